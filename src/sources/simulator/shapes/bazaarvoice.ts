import type { Shape } from './shape.ts'

/** Bazaarvoice Conversations: items are counted, and asked for from one on. */
export const bazaarvoice: Shape = {
  path: '/data/reviews.json',
  query: 'Filter=ProductId:',
  productOf: (params) => /^ProductId:(.+)$/.exec(params.get('Filter') ?? '')?.[1],
  pageOf: (params, size) => Math.max(0, Math.floor(Number(params.get('Offset')) / size) || 0) + 1,
  item: (review) => ({
    Id: review.review_id,
    ProductId: review.product_id,
    AuthorId: review.user_id,
    UserNickname: review.reviewer_name ?? null,
    Title: review.title,
    ReviewText: review.review_text,
    Rating: review.rating,
    RatingRange: 5,
    SubmissionTime: review.review_timestamp.replace('Z', '+00:00'),
    TotalPositiveFeedbackCount: review.helpful_votes,
    TotalFeedbackCount: review.helpful_votes,
    Photos: [],
  }),
  write: ({ number, size, total }, items) => ({
    HasErrors: false,
    Errors: [],
    Limit: size,
    Offset: (number - 1) * size,
    TotalResults: total,
    Results: items,
  }),
  failure: {
    HasErrors: true,
    Errors: [{ Code: 'ERROR_UNKNOWN', Message: 'Service temporarily unavailable' }],
    Results: [],
  },
  members: {
    id: 'Id',
    user: 'AuthorId',
    text: 'ReviewText',
    rating: 'Rating',
    date: 'SubmissionTime',
  },
  content: ['/Id', '/ProductId', '/AuthorId', '/ReviewText', '/Title', '/Rating', '/SubmissionTime'],
  readsNumericText: false,
}
