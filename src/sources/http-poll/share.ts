import type { Bell } from '../../lib/bell.ts'
import { savedParts } from '../checkpoint.ts'
import { followLeases } from '../leases/follow.ts'
import type { Hold, Leases } from '../leases/leases.ts'
import { createRoster, takeHeld, type Urgency } from '../leases/roster.ts'
import type { SourceContext } from '../source.ts'
import { dueAtOf, partOf, state } from './checkpoint.ts'
import { Crawl, type CrawlParts } from './crawl.ts'
import type { ProductList } from '../http/products.ts'

/** The crawls that are this process's share of a source, while products and other processes come and go. */
export interface Share {
  /** A crawl that is ready, and the lease to work on it under; nobody else gets its product until that is disposed of. */
  take(now: number): { readonly crawl: Crawl; readonly hold: Hold } | undefined
  /** Whether one was taken and not put back yet. */
  readonly isBusy: boolean
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
  readonly urgencyOf: Urgency<Crawl> | undefined
}

/** Resolves when the crawls that this process has by now know where they were. */
export async function openShare(options: ShareOptions): Promise<Share> {
  const { list, leases, parts, context, bell } = options
  const roster = createRoster(options.urgencyOf)
  let products: readonly (string | undefined)[] = list?.products ?? [undefined]

  /** Where the crawls of others were is read in one go, since there may be many. */
  async function update(): Promise<void> {
    const held = products.filter((product) => leases.fenceOf(partOf(product)) !== undefined)
    const fresh = new Map(
      held.flatMap((product) => (roster.get(partOf(product)) ? [] : [[partOf(product), product]])),
    )
    const found = new Map<string, Crawl>()
    // A clock that was wrong when this was saved, or a longer `every`, must not stop a product for years.
    const latest = parts.now() + parts.longestMs
    if (fresh.size > 0) {
      for await (const { part, saved } of savedParts(context, state)) {
        const product = fresh.get(part)
        if (saved && fresh.has(part))
          found.set(part, new Crawl(product, Math.min(dueAtOf(saved), latest), parts, saved))
      }
    }
    roster.keep(held.map(partOf), (part) => found.get(part) ?? new Crawl(fresh.get(part), 0, parts))
    if (fresh.size > 0) bell.ring()
  }

  async function followProducts(signal: AbortSignal): Promise<void> {
    while (list && !signal.aborted) {
      products = await list.changed(signal)
      leases.setParts(products.map(partOf))
      await parts.insist(update, signal)
    }
  }

  const taken = new Set<Crawl>()
  let hurriedBefore = 0
  await update()
  return {
    take(now) {
      const held = takeHeld(roster, leases, now)
      if (held === undefined) return undefined
      taken.add(held.work)
      return { crawl: held.work, hold: held.hold }
    },
    get isBusy() {
      return taken.size > 0
    },
    get nextAt() {
      return roster.nextAt
    },
    putBack(crawl, now) {
      taken.delete(crawl)
      roster.putBack(crawl, now)
    },
    hurry(before) {
      if (before <= hurriedBefore) return
      hurriedBefore = before
      for (const crawl of roster.all) crawl.hurry(before)
      roster.reorder()
    },
    get products() {
      return products.length
    },
    get part() {
      return roster.size / products.length
    },
    async follow(signal) {
      const updated = (): Promise<void> => parts.insist(update, signal)
      await Promise.all([followLeases(leases, updated, signal), followProducts(signal)])
    },
    get crawls() {
      return roster.all
    },
  }
}
