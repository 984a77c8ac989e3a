import { checkName } from '../name.ts'

/** A sort key takes 1,024 bytes. What is longer lies in a partition of its head, and a mark in its place. */
const MOST_HEAD_BYTES = 1_000
/** The last character there is: behind whatever begins with the same head and is shorter. */
const MARK = '\u{10ffff}'

export const ENTRIES = 'entries'

/** Where an entry of the registry lies, and the mark that leads there, if it needs one. */
export interface Place {
  readonly partition: string
  readonly name: string
  readonly mark?: string
}

/** Throws `REGISTRY_NAME_INVALID` for what is no name. */
export function placeOf(name: string): Place {
  checkName(name)
  const head = headOf(name)
  if (head.length === name.length) return { partition: ENTRIES, name }
  return { partition: behind(head), name: name.slice(head.length), mark: head + MARK }
}

/**
 * As much of the beginning as a head takes, in whole characters. What follows on a head is longer, in bytes, than what
 * follows on it in shorter names, and UTF-8 sorts longer characters behind shorter ones: so all long names of a head come
 * behind all short ones, one after the other, where its mark is.
 */
export function headOf(name: string): string {
  if (Buffer.byteLength(name) <= MOST_HEAD_BYTES) return name
  let bytes = 0
  let length = 0
  for (const character of name) {
    bytes += Buffer.byteLength(character)
    if (bytes > MOST_HEAD_BYTES) break
    length += character.length
  }
  return name.slice(0, length)
}

/** The partition of the names that are longer than this head of theirs. */
export const behind = (head: string): string => `${ENTRIES}/${head}`

/** The head that a mark stands for. */
export const marked = (mark: string): string => mark.slice(0, -MARK.length)
