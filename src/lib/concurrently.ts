/**
 * Does the work for each item, at most so many at a time, and resolves to the results in the order of the items. After a
 * failure no more is begun, what is under way is waited for, and the first failure is thrown.
 */
export async function concurrently<Item, Result>(
  items: readonly Item[],
  most: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const left = items.entries()
  const failures: unknown[] = []

  async function worker(): Promise<void> {
    for (const [n, item] of left) {
      try {
        results[n] = await work(item)
      } catch (error) {
        failures.push(error)
      }
      if (failures.length > 0) return
    }
  }

  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
  return results
}
