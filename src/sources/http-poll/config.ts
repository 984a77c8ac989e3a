import { z } from 'zod'
import { duration } from '../../lib/fields.ts'
import { writeDuration } from '../../lib/units.ts'
import { hostFields, limitFields, PRODUCT, requestFields } from '../http/request.ts'
import { pagingField } from '../http/paging-field.ts'
import { productsField } from '../http/products.ts'
import { leaseField } from '../leases/lease-field.ts'
import { budgetField } from './budget.ts'

const SHORTEST_MS = 1_000
/** Each may hold a page in memory. */
const MAX_CONCURRENCY = 100

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
  paging: pagingField,
  coverage: z.enum(['full', 'top']).optional().meta({
    description:
      'Whether a poll shows all reviews of a product or only the top ones, if the preset is wrong.',
  }),
  leaseMs: leaseField,
  fullEveryMs: duration().optional().meta({
    description:
      'Where the newest reviews come first: how often all pages are read. Polls in between stop at the first page without a new review.',
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
  .refine(({ fullEveryMs, everyMs }) => fullEveryMs === undefined || fullEveryMs >= everyMs, {
    path: ['fullEveryMs'],
    message: 'expected at least `every`',
  })
  .refine(({ fullEveryMs, paging }) => fullEveryMs === undefined || paging.kind !== 'none', {
    path: ['fullEveryMs'],
    message: 'needs `paging`',
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

function hasPlaceholder({ url, params, body = '' }: z.output<typeof fields>): boolean {
  return [url, body, ...Object.values(params)].some((text) => text.includes(PRODUCT))
}
