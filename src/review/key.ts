import { hash } from 'node:crypto'

/** What the record key is made of: exact JSON tokens, bytes as they came, never parsed. */
export interface Identity {
  /** The token of the review id, where the item gives one. */
  readonly review?: string
  /** The tokens of the content fields; where they can't tell two reviews apart, all of raw but what is volatile. */
  readonly content: string | Buffer
}

/**
 * 32 hex digits: which review, and which content of it. Where the item doesn't say which review it is, all of its content
 * says it: better two records of one review than one record of two.
 */
export function recordKey(origin: string, { review, content }: Identity): string {
  const whole = digest(content)
  if (review !== undefined) return reviewHalf(origin, review) + whole.slice(0, 16)
  return digest(`${origin}\0\0${whole}`).slice(0, 32)
}

/**
 * The first half of a record key: which review. `token` is the review id exactly as its JSON token came, quotes and all,
 * so that 2^53 and 2^53+1 differ, and so do "7" and 7.
 */
export function reviewHalf(origin: string, token: string): string {
  return digest(`${origin}\0${token}`).slice(0, 16)
}

/** The first halves under which a person's spelling of a review id may be stored: as a string, or as a number. */
export function reviewHalves(origin: string, reviewId: string): readonly string[] {
  const asString = reviewHalf(origin, JSON.stringify(reviewId))
  return /^-?\d+$/.test(reviewId) ? [asString, reviewHalf(origin, reviewId)] : [asString]
}

/** The half of a record key that says which review it is. */
export const halfOf = (key: string): string => key.slice(0, 16)

const digest = (data: string | Buffer): string => hash('sha256', data, 'hex')

/**
 * The key of a correct item whose own key a faulty one has, since the fault was outside of its content. Of several there is one
 * record, as of any item that is seen again.
 */
export const correctionKey = (key: string): string => halfOf(key) + digest(`correct\0${key}`).slice(0, 16)

export const isRecordKey = (text: string): boolean => /^[0-9a-f]{32}$/.test(text)
