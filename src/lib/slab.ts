/** So much memory is taken at once. */
const SLAB_BYTES = 256 * 1024
/** What may be larger than this has memory of its own. */
const SHARING_BYTES = SLAB_BYTES / 8
/** UTF-8 takes at most so many bytes for one unit of a text. */
const BYTES_A_UNIT = 3

let slab = Buffer.allocUnsafeSlow(0)
let used = 0

/**
 * The parts one after the other, texts in UTF-8. Short results share memory with those made before and after, which spares
 * the garbage collector most of its work: keep them all for about as long, or copy what is kept.
 */
export function joined(parts: readonly (string | Buffer)[]): Buffer {
  let most = 0
  for (const part of parts) most += typeof part === 'string' ? BYTES_A_UNIT * part.length : part.length
  if (most > SHARING_BYTES)
    return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
  if (used + most > slab.length) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
    used = 0
  }
  const start = used
  for (const part of parts) {
    if (typeof part === 'string') used += slab.write(part, used)
    else {
      slab.set(part, used)
      used += part.length
    }
  }
  return slab.subarray(start, used)
}
