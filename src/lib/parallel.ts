/** So many requests of one call are under way at a time. */
const CONCURRENCY = 128

/**
 * Does the work for each item, several at a time, and resolves to what came of them, in their order. After a failure nothing
 * new is begun, and it is thrown once what is under way has ended.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  concurrency = CONCURRENCY,
): Promise<R[]> {
  const results: R[] = []
  const rest = items.entries()
  let failure: { readonly error: unknown } | undefined

  async function worker(): Promise<void> {
    for (const [index, item] of rest) {
      try {
        results[index] = await work(item)
      } catch (error) {
        failure ??= { error }
      }
      if (failure) return
    }
  }

  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker))
  if (failure) throw failure.error
  return results
}

/** The items in groups of so many. */
export function* inGroupsOf<T>(size: number, items: readonly T[]): Generator<readonly T[]> {
  for (let first = 0; first < items.length; first += size) yield items.slice(first, first + size)
}
