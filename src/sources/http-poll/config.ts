import { z } from 'zod'
import { duration } from '../../lib/fields.ts'
import { writeDuration } from '../../lib/units.ts'
import { hostFields, limitFields, PRODUCT, requestFields } from '../http/request.ts'

const SHORTEST_MS = 1_000
/** Each may hold a page in memory. */
const MAX_CONCURRENCY = 100

const pointer = z.string().regex(/^\/.*$/, 'expected a JSON pointer such as /paging/next')

const param = z.string().min(1).meta({ description: 'The query parameter that says which page is wanted.' })

const product = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => text.isWellFormed(), 'expected a well-formed text')

const paging = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('none').meta({ description: 'One page holds everything.' }),
    }),
    z.strictObject({
      kind: z.literal('page').meta({ description: 'Pages have numbers.' }),
      param,
      first: z.int().min(0).default(1).meta({ description: 'The number of the first page.' }),
      max: z.int().min(1).optional().meta({ description: 'How many pages are read at most.' }),
      totalPages: pointer
        .optional()
        .meta({ description: 'A JSON pointer to the number of pages, where the provider tells it.' }),
    }),
    z.strictObject({
      kind: z.literal('offset').meta({ description: 'Items are counted, from 0.' }),
      param,
      sizeParam: z
        .string()
        .min(1)
        .optional()
        .meta({ description: 'The query parameter that says how many items a page holds.' }),
      size: z.int().min(1).meta({ description: 'How many items a page holds at most.' }),
    }),
    z.strictObject({
      kind: z.literal('cursor').meta({ description: 'Each page names the next one.' }),
      param,
      next: pointer.meta({ description: 'A JSON pointer to the name of the next page.' }),
    }),
    z.strictObject({
      kind: z.literal('next-link').meta({ description: 'Each page links to the next one.' }),
      next: pointer
        .optional()
        .meta({ description: 'A JSON pointer to the link; without it, the header `Link` with `rel=next`.' }),
    }),
  ])
  .default({ kind: 'none' })
  .meta({ description: 'How to get from one page to the next.' })

/** What the source is told, before it is checked as a whole. */
const fields = z.strictObject({
  ...requestFields,
  everyMs: duration()
    .refine((ms) => ms >= SHORTEST_MS, `expected at least ${writeDuration(SHORTEST_MS)}`)
    .prefault('60s')
    .meta({ description: 'How long after the beginning of a crawl the next one begins, for each product.' }),
  concurrency: z.int().min(1).max(MAX_CONCURRENCY).default(1).meta({
    description: 'How many products are asked for at once; of each product, one page at a time.',
  }),
  ...hostFields,
  ...limitFields,
  products: z
    .union([
      z.array(product).min(1),
      z.strictObject({
        file: z.string().min(1).meta({ description: 'A text file that names a product a line.' }),
      }),
    ])
    .optional()
    .meta({ description: `What \`${PRODUCT}\` stands for: a list, or \`{ file }\`.` }),
  paging,
})

export const config = fields
  .refine(({ method, body }) => method === 'POST' || body === undefined, {
    path: ['body'],
    message: 'needs `method: POST`',
  })
  .refine((given) => given.products !== undefined || !hasPlaceholder(given), {
    path: ['products'],
    message: `needed, since ${PRODUCT} stands in url, params or body`,
  })
  .refine((given) => given.products === undefined || hasPlaceholder(given), {
    path: ['products'],
    message: `needs ${PRODUCT} somewhere in url, params or body`,
  })

export type Config = z.output<typeof config>
export type PagingConfig = Config['paging']
export type Products = NonNullable<Config['products']>

/** Whether this may be asked for as a product. */
export function isProduct(text: string): boolean {
  return product.safeParse(text).success
}

function hasPlaceholder({ url, params, body = '' }: z.output<typeof fields>): boolean {
  return [url, body, ...Object.values(params)].some((text) => text.includes(PRODUCT))
}
