/** A number from 0 up to, but not including, 1. */
export type Random = () => number

/**
 * The generator sfc32: the same three numbers give the same sequence on every machine, and sequences of different
 * numbers have nothing in common. Not for secrets.
 */
export function createRandom(first: number, second = 0, third = 0): Random {
  let a = first | 0
  let b = second | 0
  let c = third | 0
  let counter = 1

  function next(): number {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }

  // The first dozen still resemble the seeds.
  for (let round = 0; round < 12; round++) next()
  return next
}

/** A whole number from 0 up to, but not including, `limit`. */
export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

/** One of a list that isn't empty. */
export function pick<T>(random: Random, list: readonly [T, ...T[]]): T {
  return list[below(random, list.length)] ?? list[0]
}

/** Up to `count` of a list, each at most once, in random order. */
export function sample<T>(random: Random, list: readonly T[], count: number): T[] {
  const rest = [...list]
  const taken: T[] = []
  while (taken.length < count && rest.length > 0) taken.push(...rest.splice(below(random, rest.length), 1))
  return taken
}
