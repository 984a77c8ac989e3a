/** The buffers one after the other, which are not copied where they lie like that already. */
export function asOne(buffers: readonly Buffer[]): Buffer {
  const [first] = buffers
  if (first === undefined) return Buffer.alloc(0)
  let end = first.byteOffset
  for (const { buffer, byteOffset, length } of buffers) {
    if (buffer !== first.buffer || byteOffset !== end) return Buffer.concat(buffers)
    end += length
  }
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset)
}
