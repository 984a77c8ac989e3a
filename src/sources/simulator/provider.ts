import fastify, { type FastifyInstance } from 'fastify'
import { createGenerator, type Sequence } from './generator.ts'
import type { SimulatedReview } from './writer.ts'

/** In which provider's words it answers. */
export const SHAPES = ['canonical', 'rainforest'] as const
export type Shape = (typeof SHAPES)[number]

export interface Provider {
  readonly shape: Shape
  readonly sequence: Sequence
  readonly startedAt: number
  /** How many items there are to serve. */
  readonly count: number
  readonly pageSize: number
}

interface Query {
  readonly product?: string
  readonly asin?: string
  readonly page?: string
}

/**
 * The simulator as a provider of its own, not listening yet: `GET /products`, and the reviews of one product or of all,
 * page by page, at `GET /reviews?product=&page=` or, in Rainforest's shape, `GET /request?asin=&page=`. The same sequence
 * is served the same way every time.
 */
export function createProvider({ shape, sequence, startedAt, count, pageSize }: Provider): FastifyInstance {
  const generator = createGenerator({ ...sequence, invalid: 0 }, startedAt)
  const reviews = Array.from(
    { length: count },
    (_, n) => JSON.parse(generator.at(n).toString()) as SimulatedReview,
  )
  const byProduct = Map.groupBy(reviews, ({ product_id }) => product_id)
  const app = fastify({ forceCloseConnections: true })

  function pageOf({ product, asin, page = '1' }: Query): Page {
    const all = (product ?? asin) === undefined ? reviews : (byProduct.get(product ?? asin ?? '') ?? [])
    const number = Math.max(1, Math.trunc(Number(page)) || 1)
    const items = all.slice((number - 1) * pageSize, number * pageSize)
    return { items, page: number, pages: Math.ceil(all.length / pageSize), total: all.length }
  }

  app.get('/products', () => [...byProduct].map(([id, { length }]) => ({ product_id: id, reviews: length })))
  app.get<{ Querystring: Query }>(shape === 'rainforest' ? '/request' : '/reviews', ({ query }) => {
    return shape === 'rainforest' ? rainforest(pageOf(query), query) : canonical(pageOf(query))
  })
  return app
}

interface Page {
  readonly items: readonly SimulatedReview[]
  readonly page: number
  readonly pages: number
  readonly total: number
}

const canonical = ({ items, page, pages, total }: Page) => ({
  page,
  total_pages: pages,
  total,
  reviews: items,
})

function rainforest({ items, page, pages, total }: Page, { asin }: Query) {
  return {
    request_info: { success: true, credits_used_this_request: 1 },
    request_parameters: { type: 'reviews', amazon_domain: 'amazon.com', asin },
    product: { asin },
    pagination: { current_page: page, total_pages: pages, total_results: total },
    reviews: items.map((review) => ({
      id: review.review_id,
      asin: review.product_id,
      title: review.title,
      body: review.review_text,
      rating: review.rating,
      date: { raw: `Reviewed on ${review.review_timestamp.slice(0, 10)}`, utc: review.review_timestamp },
      profile: {
        id: review.user_id,
        ...(review.reviewer_name !== undefined && { name: review.reviewer_name }),
      },
      verified_purchase: review.verified_purchase,
      helpful_votes: review.helpful_votes,
    })),
  }
}
