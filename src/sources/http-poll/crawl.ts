import type { Batch } from '../../batch.ts'
import type { Received } from '../../review/received.ts'
import type { SourceContext } from '../source.ts'
import { beginningAt, type Checkpoint, type Reached } from './checkpoint.ts'
import type { Answer, Ask, Client } from '../http/client.ts'
import type { Config } from './config.ts'
import { type Page, readPage } from '../http/page.ts'
import { BEGINNING } from './paging.ts'
import type { Secrets } from '../http/secrets.ts'
import { createTarget, type Target } from './target.ts'
import { Trouble } from '../http/trouble.ts'

/** What came of asking for one page. A page that can't be understood is handed over, and is trouble too. */
export interface Turn {
  readonly batch?: Batch<Received>
  readonly trouble?: Trouble
}

/** The pages of one target, one after the other, again and again. */
export interface Crawl {
  readonly product: string | undefined
  /** When its next page may be asked for. */
  readonly readyAt: number
  /** How often in a row it met trouble. */
  readonly failures: number
  /** Asks for the next page. Moves on behind it, unless there was trouble. Throws only the signal's reason, or a bug. */
  turn(signal: AbortSignal): Promise<Turn>
  /** Asks for nothing before that time. */
  wait(until: number): void
}

/** What all crawls of a source have in common. */
export interface CrawlParts {
  readonly config: Config
  readonly secrets: Secrets
  readonly client: Client
  readonly context: SourceContext
  /** A clock that is never set back. */
  readonly now: () => number
  /** Repeats what the registry could not do for now, until it is done. */
  readonly insist: (save: () => Promise<void>, signal: AbortSignal) => Promise<void>
  /** From then on nothing is acknowledged. */
  readonly disposed: AbortSignal
}

/** So often the same page may be refused, or be unreadable, before the crawl begins anew: a cursor may have expired. */
const MAX_REFUSALS = 5

export function createCrawl(
  product: string | undefined,
  checkpoint: Checkpoint,
  { config, secrets, client, context, now, insist, disposed }: CrawlParts,
): Crawl {
  const { name: source, origin, clock, split, logger } = context
  let at = checkpoint.resume
  let waitUntil = 0
  let failures = 0
  let refusals = 0

  const isAtBeginning = (): boolean => at.place.page === BEGINNING.page

  async function turn(signal: AbortSignal): Promise<Turn> {
    if (isAtBeginning()) at = { ...at, startedAt: now() }
    const target = createTarget(config, secrets, product)
    const ask = target.ask(at.place)
    try {
      return await take(target, ask, await client.ask(ask, signal), signal)
    } catch (error) {
      if (error instanceof Trouble) return { trouble: noted(error) }
      throw error
    }
  }

  async function take(target: Target, ask: Ask, answer: Answer, signal: AbortSignal): Promise<Turn> {
    const page = readPage(answer, split, secrets.scrub)
    const isNews = page.pieces.length > 0 && page.digest !== at.last
    const items = isNews ? receive(page, ask, answer) : []
    const behind = whatIsBehind(target, page, answer)
    if (behind instanceof Trouble) {
      const trouble = noted(behind)
      return isNews ? { batch: { items, ack: async () => {} }, trouble } : { trouble }
    }
    at = behind
    failures = refusals = 0
    const acknowledge = checkpoint.handOver(behind)
    if (isNews) return { batch: { items, ack: async () => (disposed.aborted ? undefined : acknowledge()) } }
    await insist(acknowledge, signal)
    return {}
  }

  function receive({ pieces }: Page, { from }: Ask, { status }: Answer): Received[] {
    const receivedAt = clock()
    const about = { source, kind: 'http-poll', from, page: at.place.page, status }
    return pieces.map(({ raw, ...told }, n) => ({
      origin,
      receivedAt,
      raw,
      context: { ...about, position: n + 1, ...told },
    }))
  }

  /** The crawl is at its end where a page brings the same as the one before, or nothing, or names no other. */
  function whatIsBehind(target: Target, page: Page, { link }: Answer): Reached | Trouble {
    const { pieces, digest, text, fault } = page
    if (fault !== undefined) return fault
    const { startedAt, dueAt } = at
    try {
      const clues = { text, link, isEmpty: pieces.length === 0 }
      const place = digest === at.last ? undefined : target.next(at.place, clues)
      return place === undefined
        ? { ...beginningAt(startedAt), dueAt: startedAt + config.everyMs }
        : { place, last: digest, startedAt, dueAt }
    } catch (error) {
      if (error instanceof Trouble) return error
      throw error
    }
  }

  /** What others would meet too says nothing about the page, however often it comes. */
  function noted(trouble: Trouble): Trouble {
    failures++
    if (!trouble.mayPass && !trouble.isShared) refusals++
    if (refusals === MAX_REFUSALS && !isAtBeginning()) {
      const about = { source, product, page: at.place.page }
      logger.warn(about, `no way past a page after ${refusals} attempts; the crawl begins anew`)
      at = beginningAt(now())
      refusals = 0
    }
    return trouble
  }

  return {
    product,
    get readyAt() {
      return Math.max(waitUntil, isAtBeginning() ? at.dueAt : 0)
    },
    get failures() {
      return failures
    },
    turn,
    wait(until) {
      waitUntil = until
    },
  }
}
