/** The five reviews that everything is first tried with: three good ones, one without a product, one with a rating of 6. */
export const FIVE: readonly string[] = [
  review('R1', {
    product_id: 'B00123',
    user_id: 'U1',
    review_text: 'Great product, highly recommend!',
    rating: 5,
  }),
  review('R2', {
    product_id: 'B00456',
    user_id: 'U2',
    review_text: 'It was okay, nothing special.',
    rating: 3,
  }),
  review('R3', {
    product_id: 'B00789',
    user_id: 'U3',
    review_text: "Absolutely terrible, don't buy!",
    rating: 1,
  }),
  review('R4', { product_id: undefined }),
  review('R5', { rating: 6 }),
]

/** An invented review as JSON, good unless told otherwise. */
export function review(id: string, more: object = {}): string {
  const fields = {
    review_id: id,
    product_id: 'B00123',
    user_id: 'U1',
    review_text: 'The lid fits, mostly.',
    rating: 4,
    review_timestamp: '2023-10-26T10:00:00Z',
  }
  return JSON.stringify({ ...fields, ...more })
}
