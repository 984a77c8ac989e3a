import type { NextRequest } from '../leases/book.ts'

export interface Waits {
  /** When something is due; Infinity where nothing is, and any time that is past where it is under way. */
  readonly dueAt: number
  /** Until when the provider is left alone, and until when the budget is spent; past where that is over. */
  readonly providerUntil: number
  readonly budgetUntil: number
}

/** What decides when the next request is sent: of all that has to be waited for, what takes longest. */
export function nextRequest(
  { dueAt, providerUntil, budgetUntil }: Waits,
  now: number,
): NextRequest | undefined {
  if (dueAt === Infinity) return undefined
  const at = Math.max(dueAt, providerUntil, budgetUntil)
  if (at <= now) return { state: 'now', inMs: 0 }
  const state = at === providerUntil ? 'provider' : at === budgetUntil ? 'budget' : 'planned'
  return { state, inMs: at - now }
}

/** Until it is known what there is to ask for. */
export const LOADING: NextRequest = { state: 'loading', inMs: 0 }
