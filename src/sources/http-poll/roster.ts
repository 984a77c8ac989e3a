import TinyQueue from 'tinyqueue'
import type { Crawl } from './crawl.ts'

/** Crawls by when each is next. */
export interface Roster {
  /** Takes out who is ready: of several, who is the most urgent, or has been for the longest time. */
  take(now: number, urgencyOf?: (crawl: Crawl) => number): Crawl | undefined
  /** When the next one is ready; Infinity where there is none. */
  readonly nextAt: number
  /** Takes back who was taken out, unless it was dropped meanwhile. */
  putBack(crawl: Crawl, now: number): void
  /** From now on there is a crawl of each of these, and of no others; `open` makes those that are new. */
  keep(products: readonly (string | undefined)[], open: (product: string | undefined) => Crawl): void
  drop(crawl: Crawl): void
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

export function createRoster(): Roster {
  const crawls = new Map<string | undefined, Crawl>()
  const queue = new TinyQueue<Entry>([], (a, b) => a.since - b.since || a.order - b.order)
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

  function drop(crawl: Crawl): void {
    if (isKept(crawl)) crawls.delete(crawl.product)
  }

  return {
    take(now, urgencyOf) {
      if (urgencyOf === undefined) return nextReady(now)?.crawl
      let most: Entry | undefined
      const others: Entry[] = []
      for (let entry = nextReady(now); entry !== undefined; entry = nextReady(now)) {
        const isMore = most === undefined || urgencyOf(entry.crawl) > urgencyOf(most.crawl)
        if (isMore && most) others.push(most)
        if (isMore) most = entry
        else others.push(entry)
      }
      for (const entry of others) queue.push(entry)
      return most?.crawl
    },
    get nextAt() {
      return first()?.since ?? Infinity
    },
    putBack(crawl, now) {
      // In the middle of its pages it waits until the others that are ready have had their turn.
      if (isKept(crawl)) queue.push({ crawl, since: Math.max(crawl.readyAt, now), order: entered++ })
    },
    keep(products, open) {
      const wanted = new Set(products)
      for (const crawl of crawls.values()) if (!wanted.has(crawl.product)) drop(crawl)
      for (const product of wanted) {
        if (crawls.has(product)) continue
        const crawl = open(product)
        crawls.set(product, crawl)
        queue.push({ crawl, since: crawl.readyAt, order: entered++ })
      }
    },
    drop,
    has: (product) => crawls.has(product),
    crawls: { [Symbol.iterator]: () => crawls.values() },
    get size() {
      return crawls.size
    },
  }
}
