import type { SourceContext } from './source.ts'

/**
 * What is wrong with the parts of one source, such as its products or files: the source is in trouble while one of them is,
 * and tells that of the part which has been in trouble the longest.
 */
export interface Troubles<Part> {
  /** The part is in trouble, in these words. Returns whether that is news. */
  add(part: Part, words: string): boolean
  /** The part is well, or is none any more. Returns whether that is news. */
  delete(part: Part): boolean
}

export function createTroubles<Part>(tell: SourceContext['trouble']): Troubles<Part> {
  const troubles = new Map<Part, string>()

  function tellAll(): void {
    const [first] = troubles.values()
    const others = troubles.size - 1
    tell(others > 0 ? `${first} (and ${others} more in trouble)` : first)
  }

  return {
    add(part, words) {
      if (troubles.get(part) === words) return false
      troubles.set(part, words)
      tellAll()
      return true
    },
    delete(part) {
      const isNews = troubles.delete(part)
      if (isNews) tellAll()
      return isNews
    },
  }
}
