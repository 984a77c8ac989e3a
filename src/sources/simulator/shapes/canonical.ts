import { pageNumber, type Shape } from './shape.ts'

/** The review as Headwater publishes it; the page behind is asked for by its number, or by the cursor that names it. */
export const canonical: Shape = {
  path: '/reviews',
  query: 'product=',
  productOf: (params) => params.get('product') ?? undefined,
  pageOf(params) {
    const cursor = params.get('cursor')
    return cursor === null ? pageNumber(params.get('page')) : pageBehind(cursor)
  },
  item: (review) => ({ ...review }),
  write: ({ number, pages, total, next }, reviews) => ({
    page: number,
    total_pages: pages,
    total,
    next_cursor: next === undefined ? null : cursorTo(next),
    reviews,
  }),
  failure: { error: { type: 'temporarily_blocked', message: 'Unusual activity was detected' } },
  members: {
    id: 'review_id',
    user: 'user_id',
    text: 'review_text',
    rating: 'rating',
    date: 'review_timestamp',
  },
  content: [
    '/review_id',
    '/product_id',
    '/user_id',
    '/review_text',
    '/title',
    '/rating',
    '/review_timestamp',
  ],
  readsNumericText: false,
}

const cursorTo = (page: number): string => Buffer.from(`page ${page}`).toString('base64url')

const pageBehind = (cursor: string): number =>
  pageNumber(Buffer.from(cursor, 'base64url').toString().replace('page ', ''))
