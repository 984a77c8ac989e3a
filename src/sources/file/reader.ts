import type { Batch } from '../../batch.ts'
import type { Slice, Slicer } from '../../lib/slicer.ts'
import type { Received } from '../../review/received.ts'
import type { SourceContext } from '../source.ts'
import { openCheckpoint, type Reached } from './checkpoint.ts'
import { isCorrupt, openContent } from './content.ts'
import { identify } from './files.ts'
import { createFileSlicer, type Format, framingOfName } from './framing.ts'
import { createReceiver } from './receiver.ts'

export interface Reading {
  /** As it is told to people, and as it is opened. */
  readonly path: string
  readonly absolute: string
  readonly format?: Format | undefined
  readonly batchItems: number
  readonly maxItemBytes: number
  readonly context: SourceContext
  /** Ends reading by a throw; batches may still be acknowledged until `disposed`. */
  readonly stop: AbortSignal
  readonly disposed: AbortSignal
  /** Told how to ask for the bytes that were read. */
  readonly watch: (bytesRead: () => number) => void
}

const BATCH_BYTES = 4 * 2 ** 20
const BEGINNING: Reached = { offset: 0, items: 0, inArray: false, done: false }

/**
 * Reads a file from its checkpoint on, in batches that move the checkpoint on. The last batch marks the file as done; it
 * holds no items where nothing was left but the mark. A file that is done has no batch.
 */
export async function* readFile(reading: Reading): AsyncGenerator<Batch<Received>, void, undefined> {
  const { path, absolute, format, batchItems, maxItemBytes, context, stop } = reading
  const identity = await identify(absolute)
  const checkpoint = await openCheckpoint(absolute, identity, context, format)
  let reached = checkpoint.resume ?? BEGINNING
  if (reached.done) return

  const { offset, items: position, inArray } = reached
  const content = openContent(absolute, { start: identity.start, offset, signal: stop })
  reading.watch(() => content.bytesRead())
  const slicer = createFileSlicer(reached.framing ?? framingOfName(path, format), {
    maxBytes: maxItemBytes,
    resume: { offset, position, inArray },
  })
  const receiver = createReceiver(path, context, reached)
  let items: Received[] = []
  let bytes = 0

  function batch(upTo: Reached): Batch<Received> {
    const acknowledge = checkpoint.handOver(upTo)
    const handedOver = { items, ack: async () => (reading.disposed.aborted ? undefined : acknowledge()) }
    items = []
    bytes = 0
    return handedOver
  }

  for await (const slice of cut(content.chunks, slicer, stop)) {
    if (bytes >= BATCH_BYTES) yield batch(reached)
    for (const received of receiver.receive(slice, slicer.framing)) {
      if (items.length === batchItems) yield batch(reached)
      items.push(received)
    }
    bytes += slice.raw.length
    reached = { ...whereIs(slice), items: receiver.items, framing: slicer.framing, columns: receiver.columns }
  }
  yield batch({ ...reached, done: true })
}

async function* cut(
  chunks: AsyncIterable<Buffer>,
  slicer: Slicer,
  stop: AbortSignal,
): AsyncGenerator<Slice, void, undefined> {
  try {
    for await (const chunk of chunks) yield* slicer.push(chunk)
  } catch (error) {
    if (!isCorrupt(error)) throw error
    yield* slicer.end(`expected compressed data, found: ${error.message}`)
    return
  }
  stop.throwIfAborted()
  yield* slicer.end()
}

const whereIs = ({ end, inArray }: Slice) => ({ offset: end, inArray: inArray === true, done: false })
