import { z } from 'zod'
import type { Received } from '../../review/received.ts'
import type { Registry } from '../../stores/registry.ts'
import type { SourceContext } from '../source.ts'

/** What a complete look at a product says of a review that was there before. */
export interface Note {
  readonly event: 'removed' | 'returned'
  /** The review id as its JSON token. */
  readonly review: string
  /** Milliseconds since 1970: the last complete look that showed it before. */
  readonly lastSeenAt: number
}

export interface Compared {
  readonly notes: readonly Note[]
  /** Remembers this look. Not before the notes are safe: they are not made again. */
  save(): Promise<void>
}

/** For one product: more are not followed, so that the entry stays small. */
const MOST_REVIEWS = 10_000

/** What is missing: in how many complete looks in a row, and when it was last seen. */
const missing = z.tuple([z.int().min(1), z.number()])
const state = z.object({
  /** When the last complete look began. */
  at: z.number(),
  /** By review: 0 where the last complete look showed it, 1 where that was the first to do so. */
  reviews: z.record(z.string(), z.union([z.literal(0), z.literal(1), missing])),
})

/**
 * Compares a complete look with those before. A review that `after` complete looks in a row did not show is removed, once; one
 * that is shown after that has returned. What no two looks in a row have shown is not missed: a provider may have shown it by
 * mistake, such as a review of another product.
 */
export async function compareWithBefore(
  registry: Pick<Registry, 'get' | 'compareAndSet'>,
  name: string,
  { shown, at, after }: { readonly shown: ReadonlySet<string>; readonly at: number; readonly after: number },
): Promise<Compared> {
  if (shown.size > MOST_REVIEWS) return { notes: [], save: async () => {} }
  const entry = await registry.get(name)
  const before = entry && decode(entry.value)
  const known = new Map(Object.entries(before?.reviews ?? {}))
  const notes: Note[] = []
  const reviews: Record<string, 0 | 1 | [number, number]> = Object.create(null)
  for (const review of shown) reviews[review] = known.has(review) ? 0 : 1

  for (const [review, was] of known) {
    if (was === 1) continue
    const [missed, lastSeenAt] = was === 0 ? [0, before?.at ?? at] : was
    if (shown.has(review)) {
      if (missed >= after) notes.push({ event: 'returned', review, lastSeenAt })
    } else {
      if (missed + 1 === after) notes.push({ event: 'removed', review, lastSeenAt })
      reviews[review] = [Math.min(missed + 1, after), lastSeenAt]
    }
  }

  return {
    notes,
    async save() {
      const value = Buffer.from(JSON.stringify({ at, reviews }))
      // Whoever was faster has looked as well: its look counts.
      await registry.compareAndSet(name, entry?.revision ?? 0, value)
    },
  }
}

function decode(value: Buffer): z.output<typeof state> | undefined {
  try {
    return state.parse(JSON.parse(value.toString()))
  } catch {
    return undefined
  }
}

/** A note as it is handed over: raw is what the source itself says. */
export function receivedNote(
  { event, review, lastSeenAt }: Note,
  product: string | undefined,
  { name: source, origin, clock }: Pick<SourceContext, 'name' | 'origin' | 'clock'>,
): Received {
  const named = product === undefined ? '' : `,"product_id":${JSON.stringify(product)}`
  const lastSeen = new Date(lastSeenAt).toISOString()
  const raw = Buffer.from(`{"review_id":${review}${named},"last_seen":"${lastSeen}"}`)
  return { origin, receivedAt: clock(), raw, context: { source, kind: 'http-poll', event } }
}
