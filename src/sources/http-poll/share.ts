import type { Bell } from '../../lib/bell.ts'
import { savedParts } from '../checkpoint.ts'
import type { Hold, Leases } from '../leases/leases.ts'
import type { SourceContext } from '../source.ts'
import { dueAtOf, partOf, state } from './checkpoint.ts'
import { Crawl, type CrawlParts } from './crawl.ts'
import type { ProductList } from '../http/products.ts'
import { createRoster, type Urgency } from './roster.ts'

/** The crawls that are this process's share of a source, while products and other processes come and go. */
export interface Share {
  /** A crawl that is ready, and the lease to work on it under; nobody else gets its product until that is disposed of. */
  take(now: number): { readonly crawl: Crawl; readonly hold: Hold } | undefined
  /** When the next one is ready; Infinity where there is none. */
  readonly nextAt: number
  putBack(crawl: Crawl, now: number): void
  /** Those that were polled before that time are ready. */
  hurry(before: number): void
  /** Keeps it up to date until the signal aborts, whose reason it rejects with. The bell rings when there is something new. */
  follow(signal: AbortSignal): Promise<void>
  readonly crawls: Iterable<Crawl>
  /** How many products there are, and how large a part of them it has. */
  readonly products: number
  readonly part: number
}

export interface ShareOptions {
  /** Undefined where the source has no products but one list of everything. */
  readonly list: ProductList | undefined
  readonly leases: Leases
  readonly parts: CrawlParts
  readonly context: Pick<SourceContext, 'name' | 'registry'>
  readonly bell: Bell
  /** Who of those that are ready goes first; undefined: who has been for the longest time. */
  readonly urgencyOf: Urgency | undefined
}

const AGAIN_MS = 1_000

/** Resolves when the crawls that this process has by now know where they were. */
export async function openShare(options: ShareOptions): Promise<Share> {
  const { list, leases, parts, context, bell } = options
  const roster = createRoster(options.urgencyOf)
  let products: readonly (string | undefined)[] = list?.products ?? [undefined]

  /** Where the crawls of others were is read in one go, since there may be many. */
  async function update(): Promise<void> {
    const held = products.filter((product) => leases.fenceOf(partOf(product)) !== undefined)
    const fresh = new Map(
      held.flatMap((product) => (roster.has(product) ? [] : [[partOf(product), product]])),
    )
    const found = new Map<string | undefined, Crawl>()
    // A clock that was wrong when this was saved, or a longer `every`, must not stop a product for years.
    const latest = parts.now() + parts.longestMs
    if (fresh.size > 0) {
      for await (const { part, saved } of savedParts(context, state)) {
        const product = fresh.get(part)
        if (saved && fresh.has(part))
          found.set(product, new Crawl(product, Math.min(dueAtOf(saved), latest), parts, saved))
      }
    }
    roster.keep(held, (product) => found.get(product) ?? new Crawl(product, 0, parts))
    if (fresh.size > 0) bell.ring()
  }

  async function followLeases(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // From before it is looked at, or what changes meanwhile would go unnoticed.
      const changed = leases.changed(signal)
      changed.catch(() => {}) // looked at below
      await parts.insist(update, signal)
      await changed
    }
  }

  async function followProducts(signal: AbortSignal): Promise<void> {
    while (list && !signal.aborted) {
      products = await list.changed(signal)
      leases.setParts(products.map(partOf))
      await parts.insist(update, signal)
    }
  }

  let hurriedBefore = 0
  await update()
  return {
    take(now) {
      for (let crawl = roster.take(now); crawl !== undefined; crawl = roster.take(now)) {
        const hold = leases.hold(partOf(crawl.product))
        if (hold) return { crawl, hold }
        // Its lease has run out, or is about to be somebody else's: until that is known it is looked at now and then.
        roster.putBack(crawl, now + AGAIN_MS)
      }
      return undefined
    },
    get nextAt() {
      return roster.nextAt
    },
    putBack: (crawl, now) => roster.putBack(crawl, now),
    hurry(before) {
      if (before <= hurriedBefore) return
      hurriedBefore = before
      roster.hurry(before)
    },
    get products() {
      return products.length
    },
    get part() {
      return roster.size / products.length
    },
    async follow(signal) {
      await Promise.all([followLeases(signal), followProducts(signal)])
    },
    get crawls() {
      return roster.crawls
    },
  }
}
