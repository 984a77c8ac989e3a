import type { Page } from '../shapes/shape.ts'
import type { Trap } from './scene.ts'
import type { Violation } from './watch.ts'

/** What goes on with one product. */
export interface Visit {
  /** How many of its requests are under way. */
  underWay: number
  /** What makes its pages come back again and again. */
  trap: Trap | undefined
  /** How many pages were sent since the first one was asked for. */
  sent: number
  /** Which pages were sent plainly since the provider turned kind. */
  readonly kindly: Set<number>
  /** Whether all that there is was once on a page without fault; looked at once it is kind. */
  isShown: boolean
}

export const createVisit = (): Visit => ({
  underWay: 0,
  trap: undefined,
  sent: 0,
  kindly: new Set(),
  isShown: false,
})

/** So many pages behind the last one may be looked for: totals that lie name a few. */
const BEHIND = 5
/** No crawl takes so many pages more than there are twice over. */
const SPARE = 10

/** Begins the crawl anew at the first page. Whoever goes round and round is let out, and it is told. */
export function follow(visit: Visit, page: Page, now: number): Violation | undefined {
  const { number, pages, product = '' } = page
  if (number === 1) {
    visit.trap = undefined
    visit.sent = 0
  }
  const isBehind = number > pages + BEHIND
  const isEndless = visit.sent > 2 * pages + SPARE
  if (!isBehind && !isEndless) return undefined
  visit.trap = undefined
  visit.sent = 0
  const what = isBehind ? `page ${number}` : 'one more page of a crawl that has no end'
  return { kind: 'beyond', at: now, product, message: `asked for ${what}, where there are ${pages} pages` }
}

/** Whether all pages were sent plainly; `page` is any of them. */
export const isComplete = ({ kindly }: Visit, { pages }: Pick<Page, 'pages'>): boolean =>
  Array.from({ length: Math.max(1, pages) }, (_, n) => n + 1).every((number) => kindly.has(number))
