import type { PresetInput } from './preset.ts'

/**
 * Bazaarvoice Conversations. Product ids are the shop's own. Reviews that are a rating alone have a null text. An error
 * comes with HTTP 200 in an envelope like that of an answer.
 */
export const bazaarvoice: PresetInput = {
  name: 'bazaarvoice',
  version: 1,
  provider: 'Bazaarvoice',
  about: "Bazaarvoice Conversations API: pages of reviews. The product ids are the shop's own, not ASINs.",
  quirks: [
    'The key goes into params.passkey.',
    'A review that is a rating alone has a null text and is rejected as missing_review_text.',
    'A rating that is not out of five is rejected, with its range.',
  ],
  request: {
    url: 'https://api.bazaarvoice.com/data/reviews.json',
    params: { apiversion: '5.4', filter: 'ProductId:{product}', sort: 'SubmissionTime:desc' },
    paging: { kind: 'offset', param: 'offset', size_param: 'limit', size: 100 },
  },
  coverage: 'full',
  total: '/TotalResults',
  items: ['/Results/*'],
  failed: { when: '/HasErrors', equals: true, message: ['/Errors/0/Message', '/Errors/0/Code'] },
  fields: {
    review_id: { from: '/Id', parse: 'id' },
    product_id: { from: '/ProductId', parse: 'id' },
    user_id: { from: '/AuthorId', parse: 'id' },
    review_text: { from: '/ReviewText' },
    rating: { from: '/Rating', parse: 'rating_in_range' },
    review_timestamp: { from: '/SubmissionTime' },
    title: { from: '/Title' },
    helpful_votes: { from: '/TotalPositiveFeedbackCount' },
    images: { from: '/Photos', parse: 'links' },
    reviewer_name: { from: '/UserNickname' },
    language: { from: '/ContentLocale' },
  },
  volatile: [
    '/TotalFeedbackCount',
    '/TotalPositiveFeedbackCount',
    '/TotalNegativeFeedbackCount',
    '/TotalCommentCount',
    '/CommentIds',
    '/Helpfulness',
    '/LastModificationTime',
    '/LastModeratedTime',
  ],
}
