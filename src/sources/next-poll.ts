import type { Registry } from '../stores/registry.ts'
import { type Card, isKnownToBeGone, openBook } from './leases/book.ts'
import type { NextPoll } from './source.ts'

export interface NextPollOptions {
  /** Whether an operator has paused the source. */
  readonly isPaused: boolean
  /** Until when its provider is left alone, in milliseconds since 1970, as any of its processes was told. */
  readonly providerUntil?: number | undefined
  /** Milliseconds since 1970. */
  readonly now: number
  readonly signal?: AbortSignal | undefined
}

/**
 * When a source asks its provider next, over all processes that run it, as they have shown it last: each does several times
 * in the time of its lease. Undefined where none runs it, or none has anything to ask for.
 */
export async function nextPollOf(
  source: string,
  registry: Registry,
  { isPaused, providerUntil = 0, now, signal }: NextPollOptions,
): Promise<NextPoll | undefined> {
  if (isPaused) return { state: 'paused' }
  const shown = await openBook(registry, source).members({ ...(signal && { signal }) })
  const cards = [...shown.values()].flatMap((one) => (one.card && !isKnownToBeGone(one) ? [one.card] : []))
  const first = firstOf(cards, now)
  if (first === undefined) return undefined
  // What one process was told to wait for holds for the others, before they know.
  return providerUntil > (first.at ?? now) ? { state: 'provider', at: providerUntil } : first
}

function firstOf(cards: readonly Card[], now: number): NextPoll | undefined {
  const told = cards.flatMap(({ next, goodUntil = 0 }) => (next && goodUntil > now ? [next] : []))
  const planned = told.filter(({ state }) => state !== 'loading').toSorted((a, b) => a.at - b.at)
  const [first] = planned
  if (first === undefined) return told.length > 0 ? { state: 'loading' } : undefined
  return first.at <= now ? { state: 'now', at: now } : first
}
