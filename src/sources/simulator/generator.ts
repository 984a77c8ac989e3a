import { below, createRandom, type Random } from '../../lib/random.ts'
import { type Draft, revise, type SimulatedReview, write } from './writer.ts'

/** What a sequence consists of. The same values and the same start give the same bytes. */
export interface Sequence {
  readonly seed: number
  /** Reviews per second, for their dates. */
  readonly rate: number
  readonly products: number
  readonly duplicates: number
  readonly edits: number
  readonly invalid: number
}

/** What an item is: only a `review` is both new and in order. */
export type Kind = 'review' | 'duplicate' | 'edit' | 'invalid'

/** An endless sequence of items, of which any can be asked for at any time; nothing is remembered between calls. */
export interface Generator {
  kindOf(index: number): Kind
  at(index: number): Buffer
}

/** Raised when the same sequence comes out as other bytes: a sequence that is under way can't be continued then. */
export const REVISION = 1

/** Keep apart what is drawn for one index. */
const KIND = 3
const REVIEW = 4

/** A repetition goes back this far, to a review or to the nearest one before it. */
const REACH = 500
/** Every 500th index is never a repetition, so that "the nearest one before" is never far. */
const ANCHOR = 500

/**
 * A duplicate is an earlier review with other votes, an edit is one whose author changed it: both keep its id. Kinds
 * of invalid items take turns. Every kind but the duplicate is a record of its own.
 */
export function createGenerator(sequence: Sequence, startedAt: number): Generator {
  const { seed, rate, products, duplicates, edits, invalid } = sequence
  const idOf = createIds(seed, startedAt)

  /** How many of the items before this one are invalid. */
  const invalidBefore = (index: number): number => Math.floor(index * invalid)

  function kindOf(index: number, random = createRandom(seed, index, KIND)): Kind {
    if (invalidBefore(index + 1) > invalidBefore(index)) return 'invalid'
    if (index % ANCHOR === 0) return 'review'
    const draw = random() * (1 - invalid)
    return draw < duplicates ? 'duplicate' : draw < duplicates + edits ? 'edit' : 'review'
  }

  function draft(index: number): Draft {
    const seenAt = startedAt + Math.floor((index * 1000) / rate)
    return write(createRandom(seed, index, REVIEW), { seed, products, reviewId: idOf(index), seenAt })
  }

  function earlier(index: number, random: Random): number {
    let original = index - 1 - below(random, Math.min(index, REACH))
    while (kindOf(original) !== 'review') original--
    return original
  }

  function at(index: number): Buffer {
    const random = createRandom(seed, index, KIND)
    switch (kindOf(index, random)) {
      case 'review':
        return encode(draft(index).review)
      case 'invalid':
        return spoil(draft(index).review, invalidBefore(index))
      case 'duplicate': {
        const { review } = draft(earlier(index, random))
        return encode({ ...review, helpful_votes: review.helpful_votes + 1 + below(random, 20) })
      }
      case 'edit': {
        // The distance is unlike that of any other edit of the same review, so no two say the same.
        const original = earlier(index, random)
        return encode(revise(random, draft(original), index - original))
      }
    }
  }

  return { kindOf: (index) => kindOf(index), at }
}

const IDS = 36 ** 8
/** Has no factor in common with 36, so that multiplying by it only shuffles; small enough to stay exact. */
const STRIDE = 2_957

/** Ids that never repeat within a sequence and begin alike; other sequences begin differently. */
function createIds(seed: number, startedAt: number): (index: number) => string {
  const random = createRandom(seed, startedAt, startedAt / 2 ** 32)
  const prefix = `R${base36(below(random, 36 ** 5), 5)}`
  const first = below(random, IDS)
  return (index) => prefix + base36((first + (index % IDS) * STRIDE) % IDS, 8)
}

const base36 = (value: number, length: number): string =>
  value.toString(36).toUpperCase().padStart(length, '0')

const encode = (value: object): Buffer => Buffer.from(JSON.stringify(value))

type Fault = (review: SimulatedReview) => Buffer

const FAULTS: readonly [Fault, ...Fault[]] = [
  (review) => encode({ ...review, product_id: undefined }),
  (review) => encode({ ...review, rating: 6 }),
  (review) => encode({ ...review, rating: 'five' }),
  (review) => encode({ ...review, user_id: null }),
  (review) => encode({ ...review, review_timestamp: 'yesterday' }),
  (review) => truncate(encode(review)),
  (review) => encode({ ...review, review_text: undefined }),
]

function spoil(review: SimulatedReview, turn: number): Buffer {
  const fault = FAULTS[turn % FAULTS.length] ?? FAULTS[0]
  return fault(review)
}

const truncate = (raw: Buffer): Buffer => raw.subarray(0, Math.ceil(raw.length * 0.7))
