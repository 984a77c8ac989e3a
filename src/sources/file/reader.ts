import type { Batch } from '../../batch.ts'
import type { Slice } from '../../lib/slicer.ts'
import type { Received } from '../../review/received.ts'
import type { SourceContext } from '../source.ts'
import { mayGrow, openFileCheckpoint, type Reached } from './checkpoint.ts'
import { isCorrupt, openContent } from './content.ts'
import { type Identity, identify } from './files.ts'
import { createFileSlicer, type FileSlicer, type Format, type Framing, framingOfName } from './framing.ts'
import { PAUSE, withPauses } from './pauses.ts'
import { createReceiver } from './receiver.ts'

/** What a user says of all files of a source. */
export interface Limits {
  readonly format?: Format | undefined
  readonly batchItems: number
  readonly maxItemBytes: number
}

/** What holds for everything that one source reads. */
export interface Reading extends Limits {
  readonly context: SourceContext
  /** Ends reading by a throw; batches may still be acknowledged until `disposed`. */
  readonly stop: AbortSignal
  readonly disposed: AbortSignal
}

export interface FileToRead {
  /** As it is told to people, and as it is opened. */
  readonly path: string
  readonly absolute: string
  /** Told how to ask for the bytes that were read. */
  readonly onOpen?: (bytesRead: () => number) => void
  /** Told when all of it is acknowledged. */
  readonly onDone?: () => void
  /**
   * Whether the file is there as a whole; it is, unless told. One that is not gives its whole lines, if it grows by lines,
   * and nothing otherwise: whoever writes it is not finished.
   */
  readonly isWhole?: (identity: Identity) => boolean
}

/** Bytes to be cut into reviews. */
export interface Input {
  readonly path: string
  readonly chunks: AsyncIterable<Buffer>
  /** Where the chunks begin. */
  readonly from: Reached
  readonly framing: Framing | undefined
  /** Whether the end of the chunks is the end; else an unfinished line there is left for later, and nothing is done. */
  readonly isWhole: boolean
  /** How long to wait for more before a batch that is not full is handed over; however long, unless told. */
  readonly lingerMs?: number
  /** Takes note of how far a batch reaches, and returns its acknowledgement. */
  readonly handOver: (reached: Reached) => () => Promise<void>
}

export type Batches = AsyncGenerator<Batch<Received>, void, undefined>

export const BEGINNING: Reached = { offset: 0, items: 0, inArray: false, done: false }
const BATCH_BYTES = 4 * 2 ** 20

/**
 * Reads a file from its checkpoint on, in batches that move the checkpoint on. The last batch marks the file as done; it
 * holds no items where nothing was left but the mark. A file that is done has no batch.
 */
export async function* readFile(file: FileToRead, reading: Reading): Batches {
  const { path, absolute, onOpen, onDone, isWhole = () => true } = file
  const { context, format, stop: signal } = reading
  const identity = await identify(absolute)
  const checkpoint = await openFileCheckpoint(absolute, identity, context, format)
  const from = checkpoint.resume ?? BEGINNING
  const framing = from.framing ?? framingOfName(path, format)
  const whole = isWhole(identity)
  if (from.done || (!whole && !mayGrow(framing, identity))) return

  const size = file.isWhole && identity.size
  const content = openContent(absolute, { start: identity.start, offset: from.offset, size, signal })
  onOpen?.(content.bytesRead)
  yield* readInput(
    {
      path,
      chunks: content.chunks,
      from,
      framing,
      isWhole: whole,
      handOver(reached) {
        const acknowledge = checkpoint.handOver(reached)
        return async () => {
          await acknowledge()
          if (reached.done) onDone?.()
        }
      },
    },
    reading,
  )
}

/** The batches until the signal aborts. What reading throws then is of no interest. */
export async function* untilAborted(batches: Batches, signal: AbortSignal): Batches {
  if (signal.aborted) return
  try {
    for await (const batch of batches) {
      if (signal.aborted) return
      yield batch
      if (signal.aborted) return
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Cuts an input into batches; the last one, which may hold no items, says that the input is done. */
export async function* readInput(input: Input, reading: Reading): Batches {
  const { path, chunks, from, framing, isWhole, lingerMs, handOver } = input
  const { context, batchItems, maxItemBytes, stop, disposed } = reading
  const { offset, items: position, inArray } = from
  const slicer = createFileSlicer(framing, { maxBytes: maxItemBytes, resume: { offset, position, inArray } })
  const receiver = createReceiver(path, context, from)
  let reached = from
  let items: Received[] = []
  let bytes = 0

  function batch(upTo: Reached): Batch<Received> {
    const acknowledge = handOver(upTo)
    const handedOver = { items, ack: async () => (disposed.aborted ? undefined : acknowledge()) }
    items = []
    bytes = 0
    return handedOver
  }

  const timed = lingerMs === undefined ? chunks : withPauses(chunks, lingerMs)
  for await (const { slices, endedBy } of cut(timed, slicer, isWhole, stop)) {
    if (endedBy === 'pause' && items.length > 0) yield batch(reached)
    for (const slice of slices) {
      if (bytes >= BATCH_BYTES) yield batch(reached)
      for (const received of receiver.receive(slice, slicer.framing)) {
        if (items.length === batchItems) yield batch(reached)
        items.push(received)
      }
      bytes += slice.raw.length
      // A line that nothing ended may go on when the file has grown, and is then read again as a whole.
      if (endedBy === 'end' && slicer.framing?.format !== 'json') continue
      reached = {
        ...whereIs(slice),
        items: receiver.items,
        framing: slicer.framing,
        columns: receiver.columns,
      }
    }
  }
  if (isWhole) yield batch({ ...reached, framing: slicer.framing, done: true })
  else if (items.length > 0) yield batch(reached)
}

interface Cut {
  readonly slices: readonly Slice[]
  /** What ended them: something in the input, or nothing but its end. Nothing comes with a pause. */
  readonly endedBy: 'input' | 'pause' | 'end'
}

async function* cut(
  chunks: AsyncIterable<Buffer | typeof PAUSE>,
  slicer: FileSlicer,
  isWhole: boolean,
  stop: AbortSignal,
): AsyncGenerator<Cut, void, undefined> {
  try {
    for await (const chunk of chunks) {
      if (chunk === PAUSE) yield { slices: [], endedBy: 'pause' }
      else yield { slices: slicer.push(chunk), endedBy: 'input' }
    }
  } catch (error) {
    if (!isCorrupt(error)) throw error
    yield { slices: slicer.flush(), endedBy: 'input' }
    yield { slices: slicer.end(`expected compressed data, found: ${error.message}`), endedBy: 'end' }
    return
  }
  stop.throwIfAborted()
  if (!isWhole) return
  yield { slices: slicer.flush(), endedBy: 'input' }
  yield { slices: slicer.end(), endedBy: 'end' }
}

const whereIs = ({ end, inArray }: Slice) => ({ offset: end, inArray: inArray === true, done: false })
