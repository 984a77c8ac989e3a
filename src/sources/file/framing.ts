import { extname } from 'node:path'
import { createRecordSplitter } from '../../lib/csv.ts'
import { createSlicer } from '../../lib/json-slices.ts'
import type { Slice, Slicer, SlicerOptions } from '../../lib/slicer.ts'

/** Every format that can be asked for. */
export const FORMATS = ['json', 'ndjson', 'csv', 'tsv'] as const
export type Format = (typeof FORMATS)[number]

/** How the bytes of a file are cut into documents or rows. */
export interface Framing {
  readonly format: Format
  /** Between the fields of a row. */
  readonly delimiter: string
}

/** Cuts a file whose framing may show only in its first bytes. */
export interface FileSlicer extends Slicer {
  /** Known with the first slice. */
  readonly framing: Framing | undefined
  /** The items that were held back to tell the framing, once nothing more comes. */
  flush(): Slice[]
}

/** So much of a file is looked at to tell NDJSON from JSON. */
const PEEK_BYTES = 64 * 2 ** 10
const NEWLINE = 0x0a
const BYTE_ORDER_MARK = '\uFEFF'

/** The format that is asked for, or what the name tells. `.json` tells nothing: some of these files are NDJSON. */
export function framingOfName(path: string, asked?: Format): Framing | undefined {
  const extension = extname(path.toLowerCase().replace(/\.(gz|zst)$/, ''))
  const format = asked ?? ENDINGS[extension]
  return format && { format, delimiter: format === 'tsv' ? '\t' : ',' }
}

const ENDINGS: Readonly<Record<string, Format | undefined>> = {
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.jsonlines': 'ndjson',
}

/** What the first bytes tell: NDJSON, where the first line is a whole value that is no array, and another line follows. */
export function framingOfStart(start: Buffer): Framing {
  const text = start.toString().replace(BYTE_ORDER_MARK, '').trimStart()
  const newline = text.indexOf('\n')
  const isFollowed = newline !== -1 && text.slice(newline).trim() !== ''
  const isLines = isFollowed && !text.startsWith('[') && isJson(text.slice(0, newline))
  return { format: isLines ? 'ndjson' : 'json', delimiter: ',' }
}

/** Where the framing isn't known yet, as much is held back as is needed to tell: 64 KiB at most. */
export function createFileSlicer(known: Framing | undefined, options: SlicerOptions): FileSlicer {
  let framing = known
  let slicer = known && slicerOf(known, options)
  const held: Buffer[] = []
  let heldBytes = 0

  function decide(): { decided: Slicer; start: Buffer } {
    const start = Buffer.concat(held.splice(0))
    framing ??= framingOfStart(start)
    slicer ??= slicerOf(framing, options)
    return { decided: slicer, start }
  }

  function flush(): Slice[] {
    const { decided, start } = decide()
    return decided.push(start)
  }

  return {
    get framing() {
      return framing
    },
    push(chunk) {
      if (slicer !== undefined) return slicer.push(chunk)
      held.push(chunk)
      heldBytes += chunk.length
      const isKnown = heldBytes >= PEEK_BYTES || (chunk.includes(NEWLINE) && mustBeLines(held))
      return isKnown ? flush() : []
    },
    flush,
    end(brokenOff) {
      return [...flush(), ...decide().decided.end(brokenOff)]
    },
  }
}

/** Two lines that are NDJSON stay so, whatever follows. */
const mustBeLines = (held: readonly Buffer[]): boolean =>
  framingOfStart(Buffer.concat(held)).format === 'ndjson'

/** Whether it holds rows under a header. */
export const hasRows = ({ format }: Framing): boolean => format === 'csv' || format === 'tsv'

/** Tab-separated files of reviews know no quoting. */
export const isQuoted = ({ delimiter }: Framing): boolean => delimiter !== '\t'

function slicerOf(framing: Framing, options: SlicerOptions): Slicer {
  const { format, delimiter } = framing
  if (format === 'json' || format === 'ndjson') return createSlicer(format, options)
  return createRecordSplitter({ delimiter, quote: isQuoted(framing), ...options })
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
