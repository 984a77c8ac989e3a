import { findAll } from '../lib/json-scan.ts'
import type { Reading } from '../review/interpret.ts'

/**
 * What a source noted of a review that is gone, or back: `{"review_id":…,"product_id":…,"last_seen":…}`. The id is the exact
 * token that the provider gave, so that the note belongs to the same review.
 */
export function readNote(raw: Buffer, event: 'removed' | 'returned'): Reading {
  const text = raw.toString()
  const [span] = findAll(text, '/review_id')
  const review = span === undefined ? 'null' : text.slice(...span)
  const value = {
    ...(JSON.parse(text) as Readonly<Record<string, unknown>>),
    review_id: review.startsWith('"') ? (JSON.parse(review) as string) : review,
  }
  return {
    value,
    token: () => review,
    // That it is back is told with the same words as that it was gone.
    identity: { review, content: `${event} ${text}` },
    encoding: 'json',
    cells: false,
    members: Object.keys(value).length,
    event,
    tame: false,
  }
}
