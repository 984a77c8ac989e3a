import { TransientError } from '../../errors.ts'
import type { Options, Session } from './connect.ts'
import { isUncertain } from './translate.ts'

/** A lightweight transaction, and how to find out what became of it. */
export interface Decision {
  readonly query: string
  readonly params: readonly unknown[]
  /** Looks, serially, where the answer was that nobody knows. */
  readonly look: () => Promise<'applied' | 'not applied' | 'undecided' | 'unknown'>
  readonly options: Options
}

const MOST_TRIES = 10

/**
 * Whether a lightweight transaction was applied. Where several contend for a row, the answer may be that this is not known: then
 * it is looked for, which also ends what was under way, and tried again if nothing has happened.
 */
export async function decided(
  { decide }: Session,
  { query, params, look, options }: Decision,
): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    try {
      return await decide(query, params, options)
    } catch (error) {
      const isOpen = error instanceof TransientError && isUncertain(error.cause) && tries < MOST_TRIES
      if (!isOpen) throw error
      const found = await look()
      if (found === 'unknown') throw error
      if (found !== 'undecided') return found === 'applied'
    }
  }
}
