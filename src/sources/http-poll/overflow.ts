/** A larger page is taken for one of this size, which hardly overflows either. */
const LARGEST = 500

/**
 * How many reviews a poll sees on average of those that came since the one before, where `mean` are expected and only the
 * latest `shown` are there to be seen.
 */
export function expectedSeen(mean: number, shown: number): number {
  if (shown === Infinity) return mean
  const size = Math.min(shown, LARGEST)
  const { below, at } = poisson(mean, size)
  return mean * below + size * (1 - below - at)
}

/** How many more would be seen, on average, if there were one more poll: the reviews that would be pushed out otherwise. */
export function gainOfOneMore(mean: number, shown: number): number {
  if (shown === Infinity) return 0
  const size = Math.min(shown, LARGEST)
  const { below, at } = poisson(mean, size)
  return size * Math.max(0, 1 - below - at)
}

/** How likely fewer than `size` are, and how likely exactly so many. */
function poisson(mean: number, size: number): { readonly below: number; readonly at: number } {
  let at = Math.exp(-mean)
  let below = 0
  for (let n = 0; n < size; n++) {
    below += at
    at *= mean / (n + 1)
  }
  return { below, at }
}
