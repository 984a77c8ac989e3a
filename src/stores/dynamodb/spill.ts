import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import type { Part } from './parts.ts'
import { type Item, itemSize } from './values.ts'

const compress = promisify(zstdCompress)

/** Of the 400 KB (409,600 bytes) that an item may have; the rest is for what is not counted to the byte. */
export const MOST_ITEM_BYTES = 380 * 1024
const PART_BYTES = 380 * 1024

/** Something that may be too large for one item. */
export interface Blob {
  readonly name: string
  readonly bytes: Buffer
  /** Kept as text where it is kept as it is. */
  readonly isText?: boolean
}

/** How blobs are kept: as attributes of their item, and as parts that it names. */
export interface Spilled {
  readonly attributes: Item
  readonly parts: readonly Part[]
}

interface Form extends Spilled {
  readonly size: number
  /** One that takes less of the item. */
  readonly smaller?: () => Form | Promise<Form>
}

/**
 * Lays blobs out in as few bytes of their item as there is room for: as they are, else compressed, else in parts of this
 * write, the largest first.
 */
export async function spill(blobs: readonly Blob[], room: number, write: string): Promise<Spilled> {
  const forms = blobs.map((blob) => asItIs(blob, write))
  const total = (): number => forms.reduce((sum, { size }) => sum + size, 0)
  while (total() > room) {
    const [largest] = forms.filter(({ smaller }) => smaller).toSorted((a, b) => b.size - a.size)
    if (!largest?.smaller) break
    forms[forms.indexOf(largest)] = await largest.smaller()
  }
  return {
    attributes: Object.assign({}, ...forms.map(({ attributes }) => attributes)) as Item,
    parts: forms.flatMap(({ parts }) => parts),
  }
}

function asItIs(blob: Blob, write: string): Form {
  const { name, bytes, isText = false } = blob
  const attributes: Item = { [name]: isText ? { S: bytes.toString() } : { B: bytes } }
  return { ...formOf(attributes), smaller: () => compressed(blob, write) }
}

async function compressed(blob: Blob, write: string): Promise<Form> {
  const { name, bytes } = blob
  const packed = await compress(bytes)
  const isWorth = packed.length < bytes.length
  const inParts = () => asParts(name, isWorth ? packed : bytes, isWorth, write)
  if (!isWorth) return inParts()
  return { ...formOf({ [`${name}_zstd`]: { B: packed } }), smaller: inParts }
}

function asParts(name: string, bytes: Buffer, isCompressed: boolean, write: string): Form {
  const count = Math.ceil(bytes.length / PART_BYTES)
  const parts = Array.from({ length: count }, (_, n) => ({
    name: `${write}/${name}/${String(n).padStart(5, '0')}`,
    bytes: bytes.subarray(n * PART_BYTES, (n + 1) * PART_BYTES),
  }))
  const attributes: Item = {
    [`${name}_parts`]: {
      M: {
        write: { S: write },
        count: { N: String(count) },
        bytes: { N: String(bytes.length) },
        sha256: { S: hash('sha256', bytes, 'hex') },
        zstd: { BOOL: isCompressed },
      },
    },
  }
  return { ...formOf(attributes), parts }
}

const formOf = (attributes: Item): Form => ({ attributes, parts: [], size: itemSize(attributes) })
