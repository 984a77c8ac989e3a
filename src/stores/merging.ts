/** One ordered stream: what was read of it and not given out. */
interface Stream<T> {
  readonly pages: AsyncIterator<readonly T[]>
  page: readonly T[]
  at: number
  isOver: boolean
}

/**
 * Ordered streams as one, in order, some items at a time: as many as are known to have none between them. Pages come one behind
 * the other; those of several streams are waited for together. Equal items are given out in the order of their streams.
 */
export async function* mergePages<T>(
  sources: readonly AsyncIterable<readonly T[]>[],
  compare: (a: T, b: T) => number,
): AsyncGenerator<readonly T[]> {
  const streams = sources.map(
    (source): Stream<T> => ({ pages: source[Symbol.asyncIterator](), page: [], at: 0, isOver: false }),
  )
  for (;;) {
    const drained = streams.filter(isDrained)
    if (drained.length === 0) return
    await Promise.all(drained.map(refill))
    const some = take(streams, compare)
    if (some.length > 0) yield some
  }
}

/** Whether more of it has to be read before it is known what comes next. */
const isDrained = <T>({ page, at, isOver }: Stream<T>): boolean => at === page.length && !isOver

async function refill<T>(stream: Stream<T>): Promise<void> {
  const { done = false, value } = await stream.pages.next()
  stream.isOver = done
  stream.page = done ? [] : (value as readonly T[])
  stream.at = 0
}

/** What comes next, until all that was read of one of them is given out. */
function take<T>(streams: readonly Stream<T>[], compare: (a: T, b: T) => number): readonly T[] {
  const taken: T[] = []
  if (streams.some(isDrained)) return taken
  const going = streams.filter(({ isOver }) => !isOver)
  while (going.length > 0) {
    const least = going.reduce((found, stream) =>
      compare(headOf(stream), headOf(found)) < 0 ? stream : found,
    )
    taken.push(headOf(least))
    if (++least.at === least.page.length) break
  }
  return taken
}

const headOf = <T>({ page, at }: Stream<T>): T => page[at] as T

/** The same items in groups of so many, whatever groups they come in; `size` is asked for each. The last may be smaller. */
export async function* regroup<T>(
  source: AsyncIterable<readonly T[]>,
  size: () => number,
): AsyncGenerator<readonly T[]> {
  let rest: readonly T[] = []
  for await (const some of source) {
    rest = rest.length === 0 ? some : [...rest, ...some]
    for (let most = size(); rest.length >= most; most = size()) {
      const group = rest.slice(0, most)
      rest = rest.slice(most)
      yield group
    }
  }
  if (rest.length > 0) yield rest
}
