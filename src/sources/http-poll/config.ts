import { z } from 'zod'
import { duration } from '../../lib/fields.ts'
import { writeDuration } from '../../lib/units.ts'
import { hostFields, limitFields, PRODUCT, requestFields } from '../http/request.ts'
import { productsField } from '../http/products.ts'
import { budgetField } from './budget.ts'

const SHORTEST_MS = 1_000
const SHORTEST_LEASE_MS = 1_000
const LONGEST_LEASE_MS = 600_000
/** Each may hold a page in memory. */
const MAX_CONCURRENCY = 100

const pointer = z.string().regex(/^\/.*$/, 'expected a JSON pointer such as /paging/next')

const param = z.string().min(1).meta({ description: 'The query parameter that says which page is wanted.' })

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
  budget: budgetField.optional().meta({
    description:
      'How many requests there may be: they are made where new reviews appear, each product at most once `every` and at least once `stalest`.',
  }),
  stalestMs: duration()
    .prefault('7d')
    .meta({ description: 'How long a product is left alone at most, where there is a `budget`.' }),
  concurrency: z.int().min(1).max(MAX_CONCURRENCY).default(1).meta({
    description: 'How many products are asked for at once; of each product, one page at a time.',
  }),
  ...hostFields,
  ...limitFields,
  products: productsField,
  paging,
  coverage: z.enum(['full', 'top']).optional().meta({
    description:
      'Whether a poll shows all reviews of a product or only the top ones, if the preset is wrong.',
  }),
  leaseMs: duration()
    .refine((ms) => ms >= SHORTEST_LEASE_MS && ms <= LONGEST_LEASE_MS, 'expected from 1s to 10m')
    .prefault('10s')
    .meta({
      description: 'How long a process that is gone keeps its share of the products from the others.',
    }),
  removedAfter: z.int().min(1).max(1_000).default(3).meta({
    description:
      'Where polls show all reviews: in how many complete ones in a row a review must be missing to be removed.',
  }),
})

export const config = fields
  .refine(({ method, body }) => method === 'POST' || body === undefined, {
    path: ['body'],
    message: 'needs `method: POST`',
  })
  .refine(({ budget, stalestMs, everyMs }) => budget === undefined || stalestMs >= everyMs, {
    path: ['stalestMs'],
    message: 'expected at least `every`',
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

function hasPlaceholder({ url, params, body = '' }: z.output<typeof fields>): boolean {
  return [url, body, ...Object.values(params)].some((text) => text.includes(PRODUCT))
}
