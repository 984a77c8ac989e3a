import { extname } from 'node:path'
import { createRecordSplitter } from '../../lib/csv.ts'
import { createSlicer } from '../../lib/json-slices.ts'
import type { Slicer, SlicerOptions } from '../../lib/slicer.ts'

export type Format = 'json' | 'ndjson' | 'csv'

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
}

/** So much of a file is looked at to tell NDJSON from JSON. */
const PEEK_BYTES = 64 * 2 ** 10
const BYTE_ORDER_MARK = '\uFEFF'

/** What the name tells, and the format if one is asked for. `.json` tells nothing: some of these files are NDJSON. */
export function framingOfName(path: string, asked?: Format): Framing | undefined {
  const extension = extname(path.toLowerCase().replace(/\.(gz|zst)$/, ''))
  const delimiter = extension === '.tsv' ? '\t' : ','
  const format = asked ?? FORMATS[extension]
  return format && { format, delimiter }
}

const FORMATS: Readonly<Record<string, Format | undefined>> = {
  '.csv': 'csv',
  '.tsv': 'csv',
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

/** Where the framing isn't known yet, the first 64 KiB are held back to tell. */
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

  return {
    get framing() {
      return framing
    },
    push(chunk) {
      if (slicer !== undefined) return slicer.push(chunk)
      held.push(chunk)
      heldBytes += chunk.length
      if (heldBytes < PEEK_BYTES) return []
      const { decided, start } = decide()
      return decided.push(start)
    },
    end(brokenOff) {
      const { decided, start } = decide()
      return [...decided.push(start), ...decided.end(brokenOff)]
    },
  }
}

/** Tab-separated files of reviews know no quoting. */
export const isQuoted = ({ delimiter }: Framing): boolean => delimiter !== '\t'

function slicerOf(framing: Framing, options: SlicerOptions): Slicer {
  const { format, delimiter } = framing
  if (format !== 'csv') return createSlicer(format, options)
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
