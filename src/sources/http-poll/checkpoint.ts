import { z } from 'zod'
import type { Checkpoint as Saved } from '../checkpoint.ts'
import { factFields, ONLY_PRODUCT } from './facts.ts'
import { BEGINNING } from '../http/paging.ts'

export const state = z.object({
  /** What is crawled, and how: of anything else the place means nothing. */
  asked: z.string(),
  /** The page to ask for next. */
  place: z.object({ page: z.int().min(1), cursor: z.string().optional(), mark: z.string().optional() }),
  /** The digest of the page before; null at the beginning. */
  last: z.string().nullable(),
  /** That of the first page. */
  first: z.string().nullable().default(null),
  /** When this crawl began. */
  startedAt: z.number(),
  /** When the next crawl begins. */
  dueAt: z.number(),
  /** How many reviews the pages of this crawl showed, how many of those versions were new, and how many calls it took. */
  count: z.int().default(0),
  fresh: z.int().default(0),
  calls: z.int().default(0),
  /** How many items its first page held. */
  pageSize: z.int().default(0),
  /** Which reviews its pages showed. */
  shown: z.string().default(''),
  /** Whether its latest page held fewer: it should be the last one that shows anything. */
  isShort: z.boolean().default(false),
  /** How often in a row its next page was refused or withheld, for a reason of its own. */
  refused: z.int().default(0),
  /** Whether this crawl has not seen all of its pages as a whole: one was cut short, or the crawl was resumed. */
  isPartial: z.boolean().default(false),
  /** How many reviews the last complete crawl showed, and how many crawls in a row have shown far fewer since. */
  whole: z.int().default(0),
  shrunk: z.int().default(0),
  /** When the last crawl began that went through all pages. */
  throughAt: z.number().optional(),
  /** The versions that were handed over last. */
  seen: z.string().default(''),
  /** Whether any crawl brought a valid review. */
  wasValid: z.boolean().default(false),
  /** What a server wants to hear to say that the first page is as it was. */
  validators: z
    .object({ etag: z.string().exactOptional(), lastModified: z.string().exactOptional() })
    .optional(),
  ...factFields,
})

/** How far a crawl has come, and what is known of its product. It survives restarts. */
export type Reached = z.output<typeof state>

/** How far the pages of one target were acknowledged. */
export type Checkpoint = Saved<Reached>

/** What stands for a product in the names of the registry; the source may have none but one list of everything. */
export const partOf = (product: string | undefined): string => product ?? ONLY_PRODUCT

/** Whether the first page is next. */
export const isAtBeginning = ({ place }: Pick<Reached, 'place'>): boolean => place.page === BEGINNING.page

/** When the next page may be asked for: at once in the middle of a crawl. */
export const dueAtOf = (reached: Reached): number => (isAtBeginning(reached) ? reached.dueAt : 0)

/** Where to go on: with what was saved, as far as it means anything; otherwise at the beginning, due now. */
export function resumed(saved: Reached | undefined, asked: string, now: number, longestMs: number): Reached {
  if (saved === undefined) return { ...NOTHING_KNOWN, ...beginningAt(now), asked, dueAt: now }
  if (saved.asked !== asked) return { ...saved, ...begunAnew(now), asked }
  // A clock that was wrong when this was saved, or a longer `every`, must not stop the source for years.
  const dueAt = Math.min(saved.dueAt, now + longestMs)
  const isBegun = saved.place.page !== BEGINNING.page
  return { ...saved, startedAt: Math.min(saved.startedAt, now), dueAt, isPartial: saved.isPartial || isBegun }
}

const NOTHING_KNOWN = { seen: '', wasValid: false, whole: 0, shrunk: 0 }

/** What a crawl that begins at that time knows of itself. */
export function beginningAt(at: number) {
  return {
    place: BEGINNING,
    last: null,
    first: null,
    startedAt: at,
    count: 0,
    fresh: 0,
    calls: 0,
    pageSize: 0,
    shown: '',
    isShort: false,
    refused: 0,
    isPartial: false,
  }
}

/**
 * The same, where the crawl before did not come to its end: its first page may be as it was, with nothing new, and what is
 * behind it was not read.
 */
export const begunAnew = (at: number) => ({
  ...beginningAt(at),
  dueAt: at,
  validators: undefined,
  throughAt: undefined,
})

/** Whatever a crawl showed, it has come to its end. */
export function polledToItsEnd(at: Reached): Reached {
  const { polledAt, startedAt, calls, fresh, yielded = { calls: 0, fresh: 0 } } = at
  if (polledAt === undefined) return { ...at, polledAt: startedAt, yielded }
  return {
    ...at,
    polledAt: startedAt,
    yielded: { calls: yielded.calls + calls, fresh: yielded.fresh + fresh },
    ...(fresh > 0 && { found: { at: startedAt, afterMs: Math.max(0, startedAt - polledAt) } }),
  }
}

/**
 * Whether this crawl may stop where nothing is new, since one that began less than this long before it went through all pages.
 * False where all of them go through all pages.
 */
export const isBrief = ({ startedAt, throughAt }: Reached, fullEveryMs: number | undefined): boolean =>
  fullEveryMs !== undefined && throughAt !== undefined && startedAt < throughAt + fullEveryMs

/** Totals count some reviews that are not shown. */
export const MOST_OF = 0.9

/** So many reviews go missing at once without a doubt, however few there are. */
const FEW = 2

/** After so many crawls that all showed far fewer reviews, fewer there are. */
const SURELY_SHRUNK = 10

/**
 * What is known at the end of a crawl. `total` is how many reviews there are, as its last page told. A provider that is in
 * trouble shows less, and doesn't say so: a crawl is complete only if it showed about as much as the last complete one.
 */
export function atItsEnd(at: Reached, isFull: boolean, total: number | undefined): Reached {
  const mayBeComplete = isFull && !at.isPartial && at.count >= (total ?? 0) * MOST_OF
  const isFewer = at.count < Math.min(at.whole * MOST_OF, at.whole - FEW)
  const shrunk = mayBeComplete && isFewer ? at.shrunk + 1 : 0
  const isComplete = mayBeComplete && (shrunk === 0 || shrunk >= SURELY_SHRUNK)
  return {
    ...polledToItsEnd(at),
    throughAt: at.startedAt,
    fetched: at.count,
    shrunk: isComplete ? 0 : shrunk,
    ...(isComplete && { completeAt: at.startedAt, whole: at.count }),
  }
}
