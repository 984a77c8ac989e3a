import fastify, { type FastifyInstance } from 'fastify'
import { createGenerator, type Sequence } from './generator.ts'
import { pageOf } from './listing.ts'
import { type ShapeName, shapes } from './shapes/index.ts'
import type { Shape } from './shapes/shape.ts'
import type { SimulatedReview } from './writer.ts'

export interface Provider {
  readonly shape: ShapeName
  readonly sequence: Sequence
  readonly startedAt: number
  /** How many items there are to serve. */
  readonly count: number
  readonly pageSize: number
}

/**
 * The simulator as a provider of its own, not listening yet: `GET /products`, and the reviews of one product or of all,
 * page by page, where its shape has them. The same sequence is served the same way every time.
 */
export function createProvider({ shape, sequence, startedAt, count, pageSize }: Provider): FastifyInstance {
  const { path, productOf, pageOf: numberOf, item, write }: Shape = shapes[shape]
  const generator = createGenerator({ ...sequence, invalid: 0 }, startedAt)
  const reviews = Array.from(
    { length: count },
    (_, n) => JSON.parse(generator.at(n).toString()) as SimulatedReview,
  )
  const byProduct = Map.groupBy(reviews, ({ product_id }) => product_id)
  const app = fastify({ forceCloseConnections: true })

  app.get('/products', () => [...byProduct].map(([id, { length }]) => ({ product_id: id, reviews: length })))
  app.get(path, ({ url }) => {
    const { searchParams } = new URL(url, 'http://simulator')
    const product = productOf(searchParams)
    const all = product === undefined ? reviews : (byProduct.get(product) ?? [])
    const page = pageOf(all, product, numberOf(searchParams, pageSize), pageSize)
    return write(page, page.reviews.map(item))
  })
  return app
}
