import { setImmediate as turn } from 'node:timers/promises'
import { type Framing, slices } from '../../lib/json-slices.ts'
import type { Context, Piece, Received, Split } from '../../review/received.ts'
import type { Share } from './budget.ts'
import { Refused } from './refused.ts'

/** What all items of one body have in common. */
export interface Envelope {
  readonly origin: string
  readonly receivedAt: number
  readonly context: Context
}

export interface Cutting {
  readonly framing: Framing
  readonly split: Split
  readonly maxItems: number
  /** Where the items are counted as they are cut. */
  readonly share: Share
}

/** What one item takes in memory beside its bytes, roughly. */
const ITEM_BYTES = 512
/** So many slices are cut before others get their turn. */
const SLICES_PER_TURN = 1_000

/** Cuts a body into its reviews, in order. Refuses with 413 as soon as there are more than `maxItems`. */
export async function itemsOf(
  body: Buffer,
  { framing, split, maxItems, share }: Cutting,
  { origin, receivedAt, context }: Envelope,
): Promise<readonly Received[]> {
  const items: Received[] = []
  let cut = 0
  for (const slice of slices(body, framing)) {
    const pieces: Iterable<Piece> = slice.unreadable === undefined ? split(slice.raw) : [slice]
    for (const { raw, carried, unreadable, failure } of pieces) {
      if (items.length === maxItems)
        throw new Refused(413, `expected at most ${maxItems} reviews; received more`)
      share.take(ITEM_BYTES)
      const known = {
        ...(carried && { carried }),
        ...(unreadable !== undefined && { unreadable }),
        ...(failure !== undefined && { failure }),
      }
      items.push({ origin, receivedAt, raw, context: { ...context, position: slice.position, ...known } })
    }
    if (++cut % SLICES_PER_TURN === 0) await turn()
  }
  return items
}
