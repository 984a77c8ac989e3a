import type { Answer } from '../http/client.ts'
import type { Target } from '../http/target.ts'
import { Trouble } from '../http/trouble.ts'
import { isAtBeginning, type Reached } from './checkpoint.ts'
import type { Look } from './look.ts'

/** The crawl is at its end where a page adds no review to those of the pages before, or names no other. */
export function placeBehind(
  at: Reached,
  target: Target,
  { page: { pieces, digest, text }, added }: Look,
  { link }: Answer,
): Reached['place'] | Trouble | undefined {
  const isRepeated = digest === at.last || (pieces.length > 0 && added === 0)
  if (isRepeated) return undefined
  try {
    return target.next(at.place, { text, link, isEmpty: pieces.length === 0 })
  } catch (error) {
    if (error instanceof Trouble) return error
    throw error
  }
}

/** What a crawl knows behind a page, wherever it goes from there; so many versions on it were `fresh`. */
export function withPage(
  at: Reached,
  { page, seen, added, total }: Look,
  { validators }: Answer,
  fresh: number,
): Reached {
  const isFirst = isAtBeginning(at)
  const pageSize = isFirst ? seen.length : at.pageSize
  // A shorter page is the last one, unless one behind it shows more.
  const isOdd = seen.length > pageSize || (at.isShort && added > 0)
  return {
    ...at,
    last: page.digest,
    first: isFirst ? page.digest : at.first,
    count: at.count + added,
    fresh: at.fresh + fresh,
    pageSize,
    isShort: seen.length < pageSize,
    isPartial: at.isPartial || isOdd,
    wasValid: at.wasValid || seen.some(({ code }) => code === undefined),
    ...(total !== undefined && { told: total }),
    ...(isFirst && { validators }),
  }
}
