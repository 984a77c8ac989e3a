import { setImmediate as turn } from 'node:timers/promises'
import { type Framing, slices } from '../../lib/json-slices.ts'
import type { Slice } from '../../lib/slicer.ts'
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
/** So many slices are split before others get their turn. */
const SLICES_PER_TURN = 1_000

/** Cuts a body into its reviews, in order. Refuses with 413 where there are more than `maxItems`. */
export async function itemsOf(
  body: Buffer,
  { framing, split, maxItems, share }: Cutting,
  { origin, receivedAt, context }: Envelope,
): Promise<readonly Received[]> {
  const items: Received[] = []

  function take(piece: Piece, position: number): void {
    if (items.length === maxItems)
      throw new Refused(413, `expected at most ${maxItems} reviews; received more`)
    share.take(ITEM_BYTES)
    items.push({ origin, receivedAt, raw: piece.raw, context: contextOf(piece, position, context) })
  }

  // One more than there may be, so that it is refused.
  const found = slices(body, framing, maxItems + 1)
  for (const [n, slice] of found.entries()) {
    if (n % SLICES_PER_TURN === SLICES_PER_TURN - 1) await turn()
    for (const piece of piecesOf(slice, split)) take(piece, slice.position)
  }
  return items
}

const piecesOf = (slice: Slice, split: Split): Iterable<Piece> =>
  slice.unreadable === undefined ? split(slice.raw) : [slice]

function contextOf({ carried, unreadable, failure }: Piece, position: number, context: Context): Context {
  const known = { ...context, position }
  if (carried === undefined && unreadable === undefined && failure === undefined) return known
  return {
    ...known,
    ...(carried && { carried }),
    ...(unreadable !== undefined && { unreadable }),
    ...(failure !== undefined && { failure }),
  }
}
