/** Nothing has come for a while. */
export const PAUSE = Symbol('pause')

/** The chunks, and a mark wherever the next one takes longer than that. */
export async function* withPauses<T>(
  chunks: AsyncIterable<T>,
  ms: number,
): AsyncGenerator<T | typeof PAUSE, void, undefined> {
  const iterator = chunks[Symbol.asyncIterator]()
  try {
    while (true) {
      const next = iterator.next()
      if (!(await isWithin(next, ms))) yield PAUSE
      const { done, value } = await next
      if (done) return
      yield value
    }
  } finally {
    await iterator.return?.()
  }
}

async function isWithin(awaited: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<false>()
  const timer = setTimeout(late.resolve, ms, false)
  try {
    return await Promise.race([awaited.then(() => true), late.promise])
  } finally {
    clearTimeout(timer)
  }
}
