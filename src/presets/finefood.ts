import type { PresetInput } from './preset.ts'

/** Amazon Fine Food Reviews. `Id` is the number of the row and not the id of a review; times are seconds. */
export const finefood: PresetInput = {
  name: 'finefood',
  version: 1,
  provider: 'Amazon Fine Food Reviews (data set)',
  about: 'Amazon Fine Food Reviews, quoted CSV. Gives no review ids: see missing_review_id.',
  quirks: ['Id is the number of the row.', 'Texts hold HTML, which stays.'],
  coverage: 'full',
  fields: {
    product_id: { from: '/ProductId' },
    user_id: { from: '/UserId' },
    review_text: { from: '/Text' },
    rating: { from: '/Score', parse: 'number' },
    review_timestamp: { from: '/Time', parse: 'seconds' },
    title: { from: '/Summary' },
    helpful_votes: { from: '/HelpfulnessNumerator', parse: 'count' },
    reviewer_name: { from: '/ProfileName' },
  },
  volatile: ['/Id', '/HelpfulnessNumerator', '/HelpfulnessDenominator'],
}
