import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { isNative, native } from './native.ts'

/** A JSON text, as it is or, where it is long, compressed. */
export type Exact = string | Buffer

export interface Carried<Value> {
  /** What queries reach; nothing of a long one, which could become longer than a row may be. */
  readonly native: Value | undefined
  /** All of it, where the other is not. */
  readonly exact: Exact | undefined
}

/** Longer texts are compressed. As fields of a row a text takes up to seven times as much. */
const LONG = 512 * 1024
/** Two of these, 4 MiB of raw and the fields beside them are less than the 16 MiB of a row. */
const MAX_BYTES = 2 * 1024 * 1024

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** The value as it is, where nothing has to stand beside it, as nearly always. `atMost` is no less than the length of its text. */
export function carryPlain<Value>(value: Value, atMost: number): Carried<Value> | undefined {
  return atMost <= LONG && isNative(value) ? { native: value, exact: undefined } : undefined
}

/** Resolves to nothing where the value is more than a row can hold. `atMost` is no less than the length of its text. */
export async function carry<Value>(value: Value, atMost: number): Promise<Carried<Value> | undefined> {
  const carried = isNative(value) ? value : (native(value) as Value)
  if (atMost <= LONG && carried === value) return { native: value, exact: undefined }
  const text = JSON.stringify(value)
  if (text.length <= LONG) return { native: carried, exact: carried === value ? undefined : text }
  const exact = await compress(text)
  return exact.length > MAX_BYTES ? undefined : { native: undefined, exact }
}

export async function parseExact<Value>(exact: Exact): Promise<Value> {
  return JSON.parse(typeof exact === 'string' ? exact : (await decompress(exact)).toString()) as Value
}
