import TinyQueue from 'tinyqueue'
import type { Crawl } from './crawl.ts'

/** How urgent it is at that time to ask for the next page of a crawl that is ready. */
export type Urgency = (crawl: Crawl, now: number) => number

/** Crawls by when each is next. */
export interface Roster {
  /** Takes out who is ready: of several, who is the most urgent, and of these, who has been for the longest time. */
  take(now: number): Crawl | undefined
  /** When the next one is ready; Infinity where there is none. */
  readonly nextAt: number
  /** Takes back who was taken out, unless it is not kept any more. */
  putBack(crawl: Crawl, now: number): void
  /** Those of them that were polled before that time are ready, unless they are taken out. */
  hurry(before: number): void
  /** From now on there is a crawl of each of these, and of no others; `open` makes those that are new. */
  keep(products: readonly (string | undefined)[], open: (product: string | undefined) => Crawl): void
  has(product: string | undefined): boolean
  readonly crawls: Iterable<Crawl>
  readonly size: number
}

interface Entry {
  readonly crawl: Crawl
  /** From when on it is ready. */
  readonly since: number
  /** Who came first, of those that are ready since the same time. */
  readonly order: number
}

const byAge = (a: Entry, b: Entry): number => a.since - b.since || a.order - b.order

/** Without `urgencyOf` all are equally urgent. */
export function createRoster(urgencyOf?: Urgency): Roster {
  const crawls = new Map<string | undefined, Crawl>()
  const queue = new TinyQueue<Entry>([], byAge)
  /** Those that are ready, in no order: whose urgency is the highest changes as time goes by. */
  let ready: Entry[] = []
  let entered = 0

  const isKept = (crawl: Crawl): boolean => crawls.get(crawl.product) === crawl

  /** Who was dropped stays in the queue until its turn. */
  function first(): Entry | undefined {
    for (let entry = queue.peek(); entry !== undefined; entry = queue.peek()) {
      if (isKept(entry.crawl)) return entry
      queue.pop()
    }
    return undefined
  }

  function nextReady(now: number): Entry | undefined {
    const entry = first()
    return entry === undefined || entry.since > now ? undefined : queue.pop()
  }

  /** There may be 100,000 that are ready: they are looked through where they are. */
  function takeMostUrgent(now: number, urgencyOf: Urgency): Crawl | undefined {
    for (let entry = nextReady(now); entry !== undefined; entry = nextReady(now)) ready.push(entry)
    let most: { readonly entry: Entry; readonly index: number; readonly urgency: number } | undefined
    for (const [index, entry] of ready.entries()) {
      const urgency = urgencyOf(entry.crawl, now)
      const isMore = most === undefined || urgency > most.urgency
      if (isMore || (urgency === most?.urgency && byAge(entry, most.entry) < 0))
        most = { entry, index, urgency }
    }
    const last = ready.pop()
    if (most === undefined || last === undefined) return undefined
    if (last !== most.entry) ready[most.index] = last
    return most.entry.crawl
  }

  function drop(crawl: Crawl): void {
    if (isKept(crawl)) crawls.delete(crawl.product)
  }

  return {
    take: (now) => (urgencyOf ? takeMostUrgent(now, urgencyOf) : nextReady(now)?.crawl),
    get nextAt() {
      return ready[0]?.since ?? first()?.since ?? Infinity
    },
    putBack(crawl, now) {
      // In the middle of its pages it waits until the others that are ready have had their turn.
      if (isKept(crawl)) queue.push({ crawl, since: Math.max(crawl.readyAt, now), order: entered++ })
    },
    keep(products, open) {
      const wanted = new Set(products)
      for (const crawl of crawls.values()) if (!wanted.has(crawl.product)) drop(crawl)
      ready = ready.filter(({ crawl }) => isKept(crawl))
      for (const product of wanted) {
        if (crawls.has(product)) continue
        const crawl = open(product)
        crawls.set(product, crawl)
        queue.push({ crawl, since: crawl.readyAt, order: entered++ })
      }
    },
    hurry(before) {
      const waiting: Entry[] = []
      for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) waiting.push(entry)
      for (const { crawl, order } of waiting) {
        crawl.hurry(before)
        queue.push({ crawl, since: crawl.readyAt, order })
      }
    },
    has: (product) => crawls.has(product),
    crawls: { [Symbol.iterator]: () => crawls.values() },
    get size() {
      return crawls.size
    },
  }
}
