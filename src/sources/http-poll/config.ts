import { z } from 'zod'
import { bytes, duration } from '../../lib/fields.ts'
import { writeDuration } from '../../lib/units.ts'

/** Stands for each product in turn. */
export const PRODUCT = '{product}'

const SHORTEST_MS = 1_000
const LONGEST_REQUEST_MS = 3_600_000

const pointer = z.string().regex(/^\/.*$/, 'expected a JSON pointer such as /paging/next')

const param = z.string().min(1).meta({ description: 'The query parameter that says which page is wanted.' })

const product = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => text.isWellFormed(), 'expected a well-formed text')

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/
const OF_THE_CONNECTION = /^(connection|content-length|expect|keep-alive|transfer-encoding|upgrade)$/i

const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'expected the value of a header')

const headers = z.record(z.string(), headerValue).superRefine((given, context) => {
  for (const name of Object.keys(given)) {
    if (!HEADER_NAME.test(name)) {
      context.addIssue({ code: 'custom', path: [name], message: 'expected the name of a header' })
    } else if (OF_THE_CONNECTION.test(name)) {
      context.addIssue({
        code: 'custom',
        path: [name],
        message: 'must not be set: it belongs to the connection',
      })
    }
  }
})

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
  url: z
    .string()
    .refine(isAddress, 'expected a URL such as https://api.example.com/reviews, without a user in it')
    .meta({ description: `Where the reviews are; \`${PRODUCT}\` in it stands for each product in turn.` }),
  method: z.enum(['GET', 'POST']).default('GET').meta({ description: 'How it is asked.' }),
  headers: headers.default({}).meta({
    secret: true,
    description: 'Sent with every request, to the host of `url` only.',
  }),
  params: z
    .record(z.string(), z.string())
    .default({})
    .meta({
      secret: true,
      description: `Query parameters; \`${PRODUCT}\` in a value stands for each product in turn.`,
    }),
  body: z
    .string()
    .optional()
    .meta({
      secret: true,
      description: `What is posted, as JSON unless a \`content-type\` is given; \`${PRODUCT}\` is written as inside a JSON string.`,
    }),
  everyMs: duration()
    .refine((ms) => ms >= SHORTEST_MS, `expected at least ${writeDuration(SHORTEST_MS)}`)
    .prefault('60s')
    .meta({ description: 'How long after the beginning of a crawl the next one begins, for each product.' }),
  timeoutMs: duration()
    .refine((ms) => ms > 0 && ms <= LONGEST_REQUEST_MS, 'expected up to 1h')
    .prefault('30s')
    .meta({ description: 'How long one request may take, with its redirects and its body.' }),
  maxBodyBytes: bytes()
    .prefault('16MiB')
    .meta({ description: 'The largest body that is taken, as it is sent and once inflated.' }),
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

function isAddress(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}
