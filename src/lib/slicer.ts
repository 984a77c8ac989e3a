/** One item cut out of an input, with its exact bytes. */
export interface Slice {
  /** The item without the white space or byte order mark around it. */
  readonly raw: Buffer
  /** Which item of the input, counted from 1. */
  readonly position: number
  /** How many bytes of the input end with this item: where reading may be resumed. */
  readonly end: number
  /** Whether `end` is inside a root array. */
  readonly inArray?: true
  /** Why this could not be cut: what was expected, what was found, and at which byte, counted from 0. */
  readonly unreadable?: string
}

/** Cuts an input as it comes in, in bounded memory. Never throws. */
export interface Slicer {
  /** The items that end in this chunk. They share its memory where they lie in it as a whole. */
  push(chunk: Buffer): Slice[]
  /** What is left; with a reason where the input broke off, which then makes it one unreadable slice. */
  end(brokenOff?: string): Slice[]
}

/** What the slice said behind which an input goes on. */
export interface Resume {
  readonly offset: number
  readonly position: number
  readonly inArray?: boolean
}

export interface SlicerOptions {
  /** Of a larger item only the beginning is kept, as an unreadable slice; cutting goes on behind the item. */
  readonly maxBytes: number
  readonly resume?: Resume
}

/** What a slicer is made of: it hands over one item after the other. */
export interface Cutter {
  push(chunk: Buffer, emit: Emit): void
  end(emit: Emit, brokenOff?: string): void
}

export type Emit = (slice: Slice) => void

/** A slicer that cuts as this does. */
export function slicerOf(cutter: Cutter): Slicer {
  function collect(cut: (emit: Emit) => void): Slice[] {
    const slices: Slice[] = []
    cut((slice) => void slices.push(slice))
    return slices
  }
  return {
    push: (chunk) => collect((emit) => cutter.push(chunk, emit)),
    end: (brokenOff) => collect((emit) => cutter.end(emit, brokenOff)),
  }
}

/** The beginning of an input. */
export const START: Resume = { offset: 0, position: 0 }
const EMPTY = Buffer.alloc(0)
/** What may stand before a text in UTF-8, and is no part of it. */
export const BOM = Buffer.from([0xef, 0xbb, 0xbf])

/** Counts the bytes of an input and drops the byte order mark that it may start with. */
export function createInput(from: number) {
  let offset = from
  /** Held back, since it may be the beginning of a byte order mark. */
  let held: Buffer | undefined = from === 0 ? EMPTY : undefined

  return {
    /** How many bytes have come in. */
    get offset() {
      return offset
    },
    /** What is to be looked at next; it ends at `offset`. */
    accept(chunk: Buffer): Buffer {
      offset += chunk.length
      if (held === undefined) return chunk
      const start = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      const mayBeBom = start.length < BOM.length && BOM.subarray(0, start.length).equals(start)
      held = mayBeBom ? start : undefined
      if (mayBeBom) return EMPTY
      return hasBomAt(start, 0) ? start.subarray(BOM.length) : start
    },
    rest(): Buffer {
      const rest = held ?? EMPTY
      held = undefined
      return rest
    },
  }
}

/** The bytes of one item as they come in, the first `maxBytes` of them. */
export function createCollector(maxBytes: number) {
  let kept: Buffer[] = []
  let bytes = 0

  return {
    get isTooLarge() {
      return bytes > maxBytes
    },
    /** How many bytes there are until it is too large. */
    get room() {
      return Math.max(0, maxBytes + 1 - bytes)
    },
    add(piece: Buffer): void {
      const room = maxBytes - bytes
      if (room > 0) kept.push(piece.length > room ? piece.subarray(0, room) : piece)
      bytes += piece.length
    },
    take(): Buffer {
      const [first = EMPTY] = kept
      const whole = kept.length > 1 ? Buffer.concat(kept) : first
      kept = []
      bytes = 0
      return whole
    },
  }
}

/** A slice, with only the fields that say something. */
export function sliceOf(
  raw: Buffer,
  position: number,
  end: number,
  inArray: boolean,
  unreadable?: string,
): Slice {
  const slice: Slice = inArray ? { raw, position, end, inArray: true } : { raw, position, end }
  return unreadable === undefined ? slice : { ...slice, unreadable }
}

/** Why something can not be cut, in the form that all reasons have. */
export const expected = (what: string, found: string, offset: number): string =>
  `expected ${what}, found ${found} at byte ${offset}`

/** Why only the beginning of an item was kept. */
export const tooLarge = (maxBytes: number, end: number): string =>
  `larger than ${maxBytes} bytes: the rest of it, up to byte ${end}, was skipped`

/** Whether a byte order mark stands here. */
export const hasBomAt = (bytes: Buffer, at: number): boolean =>
  bytes[at] === BOM[0] && bytes[at + 1] === BOM[1] && bytes[at + 2] === BOM[2]
