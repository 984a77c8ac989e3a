import { pageNumber, type Shape } from './shape.ts'

/** Rainforest API, `type=reviews`: pages have numbers, and say how many there are. */
export const rainforest: Shape = {
  path: '/request',
  query: 'asin=',
  productOf: (params) => params.get('asin') ?? undefined,
  pageOf: (params) => pageNumber(params.get('page')),
  item: (review) => ({
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
  }),
  write: ({ product, number, pages, total }, reviews) => ({
    request_info: { success: true, credits_used_this_request: 1 },
    request_parameters: { type: 'reviews', amazon_domain: 'amazon.com', asin: product },
    product: { asin: product },
    pagination: { current_page: number, total_pages: pages, total_results: total },
    reviews,
  }),
  failure: {
    request_info: {
      success: false,
      message: 'The request could not be completed at this time, please try again',
      http_status_code: 503,
    },
  },
  members: { id: 'id', user: 'profile', text: 'body', rating: 'rating', date: 'date' },
  content: ['/id', '/asin', '/profile/id', '/body', '/title', '/rating', '/date/utc'],
  readsNumericText: true,
}
