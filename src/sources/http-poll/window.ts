import { hash } from 'node:crypto'

/** What was seen last, by short names in hex. Bounded, and saved as a short text. */
export interface Window {
  has(name: string): boolean
  add(name: string): void
  /** What makes it again. */
  encode(): string
}

const VERSION_BYTES = 8
const REVIEW_BYTES = 4

/** So many versions, and so many reviews, are remembered of a product. */
export const REMEMBERED = 2_000

/** Versions, of 16 hex digits, that were handed over and needn't be again: one that is forgotten is handed over once more. */
export const openVersions = (saved: string, capacity = REMEMBERED): Window =>
  openWindow(saved, VERSION_BYTES, capacity)

/** Which reviews the pages of a crawl showed, whatever they are called. Two may be taken for one, once in a billion times. */
export function openReviews(saved: string, capacity = REMEMBERED): Window {
  const window = openWindow(saved, REVIEW_BYTES, capacity)
  const short = (name: string): string => hash('sha256', name, 'hex').slice(0, 2 * REVIEW_BYTES)
  return { ...window, has: (name) => window.has(short(name)), add: (name) => window.add(short(name)) }
}

function openWindow(saved: string, size: number, capacity: number): Window {
  const bytes = Buffer.from(saved, 'base64')
  const names = new Set<string>()
  for (let at = 0; at + size <= bytes.length; at += size) names.add(bytes.toString('hex', at, at + size))

  return {
    has: (name) => names.has(name),
    add(name) {
      // What was seen again is young again.
      names.delete(name)
      names.add(name)
      const [oldest] = names
      if (names.size > capacity && oldest !== undefined) names.delete(oldest)
    },
    encode: () => Buffer.from([...names].join(''), 'hex').toString('base64'),
  }
}
