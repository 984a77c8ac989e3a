import type { Outcome } from '../batch.ts'
import { HeadwaterError, TransientError } from '../errors.ts'

export type Into<T> = (items: readonly T[], signal: AbortSignal) => Promise<readonly Outcome[]>

export interface Narrowing<T> {
  readonly into: Into<T>
  /** Makes the item a dead letter: it failed while others of its batch succeeded, again and again. */
  readonly convict: (item: T, error: unknown, signal: AbortSignal) => Promise<Outcome>
  readonly rounds?: number
}

interface Failure {
  readonly error: unknown
}

/**
 * Finds the culprit when a batch fails in a way that nobody classified, by halving it. An item is convicted only after
 * five rounds in which others of its batch succeeded; if all fail, it is the backend that is at fault. For an item that
 * is alone in its batch, the others are those of any other batch since its last round.
 */
export function narrow<T extends object>({ into, convict, rounds = 5 }: Narrowing<T>): Into<T> {
  const failedRounds = new WeakMap<T, number>()
  /** How many calls had succeeded at the last round of an item that is alone. */
  const successesBefore = new WeakMap<T, number>()
  let successes = 0

  async function halve(items: readonly T[], signal: AbortSignal): Promise<(Outcome | Failure)[]> {
    try {
      const outcomes = [...(await into(items, signal))]
      successes++
      return outcomes
    } catch (error) {
      if (isClassified(error) || signal.aborted) throw error
      if (items.length === 1) return [{ error }]
      const middle = items.length >> 1
      return [...(await halve(items.slice(0, middle), signal)), ...(await halve(items.slice(middle), signal))]
    }
  }

  /** Whether it is the item and not the backend that fails: others succeed meanwhile. */
  function doOthersSucceed(items: readonly T[], failed: readonly { readonly item: T }[]): boolean {
    const [alone] = items
    if (items.length !== 1 || alone === undefined) return failed.length < items.length
    const before = successesBefore.get(alone) ?? successes
    successesBefore.set(alone, successes)
    return successes > before
  }

  return async function narrowed(items, signal) {
    const results = await halve(items, signal)
    const failed = results.flatMap((result, n) =>
      isFailure(result) ? [{ item: items[n] as T, n, ...result }] : [],
    )
    if (failed.length === 0) return results as Outcome[]
    const last = failed.at(-1)?.error
    if (!doOthersSucceed(items, failed)) {
      const message = `${failed.length} of ${items.length} messages fail, and no others succeed: ${String(last)}`
      throw new TransientError('BACKEND_FAILING', message, { cause: last })
    }
    for (const { item } of failed) failedRounds.set(item, (failedRounds.get(item) ?? 0) + 1)
    const undecided = failed.filter(({ item }) => (failedRounds.get(item) ?? 0) < rounds)
    if (undecided.length > 0) {
      const message = `${failed.length} of ${items.length} messages fail while the others succeed: ${String(last)}`
      throw new TransientError('BACKEND_FAILING', message, { cause: last })
    }
    for (const { item, n, error } of failed) results[n] = await convict(item, error, signal)
    return results as Outcome[]
  }
}

const isClassified = (error: unknown): boolean => error instanceof HeadwaterError

const isFailure = (result: Outcome | Failure): result is Failure =>
  typeof result === 'object' && 'error' in result
