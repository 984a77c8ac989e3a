/** Keys of 32 hex digits, each with a small number that must be the same to be found again. */
export interface KeySet {
  has(key: string, mark: number): boolean
  add(key: string, mark: number): void
}

/** What an entry is made of: 128 bits of key, and the mark, counted from 1 so that 0 is free. */
const WORDS = 5
/** A table is full at this share of its places: beyond it, looking becomes long. */
const LOAD = 0.5

/**
 * Remembers at least the last `capacity` keys, and at most twice as many, in memory that is taken once and that the garbage
 * collector need not look at. It forgets half of what it has at once.
 */
export function createKeySet(capacity: number): KeySet {
  const places = 2 ** Math.ceil(Math.log2(capacity / LOAD))
  let young = new Int32Array(places * WORDS)
  let old = new Int32Array(places * WORDS)
  let count = 0
  const word = new Int32Array(4)

  function read(key: string): void {
    for (let n = 0; n < 4; n++) word[n] = hexWord(key, 8 * n)
  }

  /** Where the entry is, or the free place where it belongs. Keys are digests: any part of one is as good as a hash. */
  function placeIn(table: Int32Array, mark: number): number {
    for (let place = (word[3] ?? 0) & (places - 1); ; place = (place + 1) & (places - 1)) {
      const at = place * WORDS
      if (table[at + 4] === 0) return at
      const isSame =
        table[at + 4] === mark + 1 &&
        table[at] === word[0] &&
        table[at + 1] === word[1] &&
        table[at + 2] === word[2] &&
        table[at + 3] === word[3]
      if (isSame) return at
    }
  }

  const isIn = (table: Int32Array, mark: number): boolean => table[placeIn(table, mark) + 4] !== 0

  return {
    has(key, mark) {
      read(key)
      return isIn(young, mark) || isIn(old, mark)
    },
    add(key, mark) {
      read(key)
      if (isIn(young, mark)) return
      if (count === capacity) {
        ;[young, old] = [old.fill(0), young]
        count = 0
      }
      const at = placeIn(young, mark)
      young.set(word, at)
      young[at + 4] = mark + 1
      count++
    },
  }
}

/** Eight hex digits in lower case. */
function hexWord(text: string, from: number): number {
  let value = 0
  for (let at = from; at < from + 8; at++) {
    const code = text.charCodeAt(at)
    value = (value << 4) | (code < 0x61 ? code - 0x30 : code - 0x57)
  }
  return value
}
