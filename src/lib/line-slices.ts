import {
  type Cutter,
  createCollector,
  createInput,
  type Emit,
  expected,
  sliceOf,
  type Slicer,
  slicerOf,
  type SlicerOptions,
  START,
  tooLarge,
} from './slicer.ts'

/** How an input is laid out in lines. */
export interface Lines {
  /**
   * The newline that ends the line which goes on at `from`, looking no further than `until`; -1 if it is not among
   * these bytes. Called for all bytes of a line, in order.
   */
  findEnd(chunk: Buffer, from: number, until: number): number
  /** What is left of a line without what does not belong to the item; nothing, and it is no item. */
  trim(line: Buffer): Buffer
  /** What the line still lacks, if the input ends here. */
  lacks?(): string | undefined
  /** The next byte begins a line, wherever the last one was left. */
  restart?(): void
}

/** A slicer for an input in lines of any layout. */
export function createLineSlicer(lines: Lines, options: SlicerOptions): Slicer {
  return slicerOf(lineCutter(lines, options))
}

const NEWLINE = 0x0a

/** Cuts an input in lines, one item at a time. */
export function lineCutter(lines: Lines, { maxBytes, resume = START }: SlicerOptions): Cutter {
  const input = createInput(resume.offset)
  const line = createCollector(maxBytes)
  let { position } = resume

  function push(chunk: Buffer, emit: Emit): void {
    cut(input.accept(chunk), emit)
  }

  function cut(chunk: Buffer, emit: Emit): void {
    const base = input.offset - chunk.length
    let from = 0
    while (from < chunk.length) {
      const newline = findEnd(chunk, from)
      line.add(chunk.subarray(from, newline === -1 ? chunk.length : newline))
      if (newline === -1) return
      from = newline + 1
      take(base + from, emit)
    }
  }

  /** A line that has become too large ends at any newline, so that one open quote can't swallow the rest. */
  function findEnd(chunk: Buffer, from: number): number {
    const until = Math.min(chunk.length, from + line.room)
    const end = lines.findEnd(chunk, from, until)
    return end === -1 && until < chunk.length ? chunk.indexOf(NEWLINE, until) : end
  }

  function take(end: number, emit: Emit, unreadable?: string): void {
    const why = line.isTooLarge ? tooLarge(maxBytes, end) : unreadable
    const raw = lines.trim(line.take())
    lines.restart?.()
    if (raw.length > 0 || why !== undefined) emit(sliceOf(raw, ++position, end, false, why))
  }

  function end(emit: Emit, brokenOff?: string): void {
    cut(input.rest(), emit)
    const lacking = lines.lacks?.()
    const why = brokenOff ?? (lacking === undefined ? undefined : expected(lacking, 'the end', input.offset))
    take(input.offset, emit, why)
  }

  return { push, end }
}
