/** The partition of a key, the same that Java's clients choose. */
export function partitionOf(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7f_ff_ff_ff) % partitions
}

const SEED = 0x97_47_b2_8c
const M = 0x5b_d1_e9_95

/** MurmurHash2 of 32 bits, as the Java client has it. */
function murmur2(data: Buffer): number {
  const { length } = data
  let hash = SEED ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) {
    const word = Math.imul(data.readInt32LE(at), M)
    hash = Math.imul(hash, M) ^ Math.imul(word ^ (word >>> 24), M)
  }
  if (at < length) hash = Math.imul(hash ^ data.readUIntLE(at, length - at), M)
  hash = Math.imul(hash ^ (hash >>> 13), M)
  return hash ^ (hash >>> 15)
}
