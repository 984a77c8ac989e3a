import type { Source, SourceContext } from '../source.ts'
import { findFiles } from './files.ts'
import { type Batches, type Limits, type Reading, readFile, untilAborted } from './reader.ts'

/** Reads files that are there, one after the other, and ends. Throws `FILE_UNREADABLE` for all that can't be read. */
export async function openListed(
  patterns: readonly string[],
  limits: Limits,
  context: SourceContext,
): Promise<Source> {
  const files = await findFiles(patterns)
  const total = files.reduce((sum, { size }) => sum + size, 0)
  const disposed = new AbortController()
  let finished = 0
  let bytesRead = (): number => 0

  async function* readAll(reading: Reading): Batches {
    const onOpen = (current: () => number): void => {
      bytesRead = current
    }
    for (const { path, absolute, size } of files) {
      yield* readFile({ path, absolute, onOpen }, reading)
      finished += size
      bytesRead = () => 0
    }
  }

  return {
    read({ signal }) {
      const stop = AbortSignal.any([signal, disposed.signal])
      return untilAborted(readAll({ ...limits, context, stop, disposed: disposed.signal }), stop)
    },
    progress: () => ({ done: Math.min(finished + bytesRead(), total), total, unit: 'bytes' }),
    async [Symbol.asyncDispose]() {
      disposed.abort()
    },
  }
}
