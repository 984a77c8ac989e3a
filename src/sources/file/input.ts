import type { Readable } from 'node:stream'
import { HeadwaterError } from '../../errors.ts'
import type { Source, SourceContext } from '../source.ts'
import type { Reached } from './checkpoint.ts'
import { openPipe } from './content.ts'
import { framingOfName } from './framing.ts'
import { BEGINNING, type Limits, readInput, untilAborted } from './reader.ts'

/** How the standard input is named among files. A file of that name is `./-`. */
export const STANDARD_INPUT = '-'

/** What comes slowly is handed over although a batch is not full. */
const LINGER_MS = 100

const CUT_OFF =
  'the standard input was not read to its end, and can not be gone on with: ' +
  'send it again from its beginning; what is there already comes out as unchanged'

/** Two that read one stream would each get parts of its items. */
const taken = new WeakSet<Readable>()

/** Reads the standard input to its end. Nobody can go on with it: there is no checkpoint. */
export function openInput(limits: Limits, context: SourceContext): Source {
  const { stdin } = context
  if (stdin === undefined || taken.has(stdin)) {
    const found = stdin === undefined ? 'there is none' : 'another source reads it'
    throw new HeadwaterError(
      'FILE_UNREADABLE',
      `${STANDARD_INPUT}: expected the standard input, but ${found}`,
    )
  }
  taken.add(stdin)
  const disposed = new AbortController()
  let bytesRead = (): number => 0

  return {
    async *read({ signal }) {
      const stop = AbortSignal.any([signal, disposed.signal])
      const content = openPipe(STANDARD_INPUT, stdin, stop)
      bytesRead = content.bytesRead
      let isDone = false
      const input = {
        path: STANDARD_INPUT,
        chunks: content.chunks,
        from: BEGINNING,
        framing: framingOfName(STANDARD_INPUT, limits.format),
        isWhole: true,
        lingerMs: LINGER_MS,
        handOver: (reached: Reached) => async () => {
          isDone ||= reached.done
        },
      }
      const reading = { ...limits, context, stop, disposed: disposed.signal }
      yield* untilAborted(readInput(input, reading), stop)
      if (!isDone) context.logger.warn({ source: context.name }, CUT_OFF)
    },
    progress: () => ({ done: bytesRead(), unit: 'bytes' }),
    async [Symbol.asyncDispose]() {
      disposed.abort()
    },
  }
}
