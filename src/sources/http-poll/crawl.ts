import type { Batch } from '../../batch.ts'
import { retry } from '../../lib/retry.ts'
import type { Received } from '../../review/received.ts'
import type { SourceContext } from '../source.ts'
import type { Checkpoint, Reached } from './checkpoint.ts'
import type { Answer, Ask, Client } from './client.ts'
import { type Page, readPage } from './page.ts'
import { BEGINNING } from './paging.ts'
import type { Target } from './target.ts'
import { Trouble } from './trouble.ts'

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
  /** The same, also after a restart. */
  pause(until: number, signal: AbortSignal): Promise<void>
}

export interface CrawlOptions {
  readonly target: Target
  readonly checkpoint: Checkpoint
  readonly client: Client
  readonly everyMs: number
  readonly context: SourceContext
  /** From then on nothing is acknowledged. */
  readonly disposed: AbortSignal
}

/** So often the same page may be refused, or be unreadable, before the crawl begins anew: a cursor may have expired. */
const MAX_REFUSALS = 5

export function createCrawl({ target, checkpoint, client, everyMs, context, disposed }: CrawlOptions): Crawl {
  const { name: source, origin, clock, split, logger } = context
  let at = checkpoint.resume
  let waitUntil = 0
  let failures = 0
  let refusals = 0

  async function turn(signal: AbortSignal): Promise<Turn> {
    if (at.place.page === BEGINNING.page) at = { ...at, startedAt: clock() }
    const ask = target.ask(at.place)
    try {
      const answer = await client.ask(ask, signal)
      return await take(ask, answer, signal)
    } catch (error) {
      if (error instanceof Trouble) return { trouble: noted(error) }
      throw error
    }
  }

  async function take(ask: Ask, answer: Answer, signal: AbortSignal): Promise<Turn> {
    const page = readPage(answer, split)
    const isNews = page.pieces.length > 0 && page.digest !== at.last
    const items = isNews ? receive(page, ask, answer) : []
    const behind = whatIsBehind(page, answer)
    if (behind instanceof Trouble) {
      const trouble = noted(behind)
      return isNews ? { batch: { items, ack: async () => {} }, trouble } : { trouble }
    }
    at = behind
    failures = refusals = 0
    const acknowledge = checkpoint.handOver(behind)
    if (isNews) return { batch: { items, ack: async () => (disposed.aborted ? undefined : acknowledge()) } }
    await safely(acknowledge, signal)
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

  /** The crawl is at its end where a page brings nothing, brings the same as the one before, or names no other. */
  function whatIsBehind({ pieces, digest, text, fault }: Page, { link }: Answer): Reached | Trouble {
    if (fault !== undefined) return fault
    const { startedAt, dueAt } = at
    const isEnd = pieces.length === 0 || digest === at.last
    try {
      const place = isEnd ? undefined : target.next(at.place, { text, link })
      return place === undefined
        ? { place: BEGINNING, last: null, startedAt, dueAt: startedAt + everyMs }
        : { place, last: digest, startedAt, dueAt }
    } catch (error) {
      if (error instanceof Trouble) return error
      throw error
    }
  }

  function noted(trouble: Trouble): Trouble {
    failures++
    if (!trouble.mayPass) refusals++
    if (refusals === MAX_REFUSALS && at.place.page > BEGINNING.page) {
      const about = { source, product: target.product, page: at.place.page }
      logger.warn(about, `no way past a page after ${refusals} attempts; the crawl begins anew`)
      at = { place: BEGINNING, last: null, startedAt: clock(), dueAt: clock() }
      refusals = 0
    }
    return trouble
  }

  /** The registry may be away for a while; nothing is asked meanwhile. */
  function safely(save: () => Promise<void>, signal: AbortSignal): Promise<void> {
    return retry(save, signal, {
      baseMs: 50,
      maxMs: 30_000,
      onFailure: ({ code, message }) => logger.warn({ source, code }, `${message}; trying again`),
    })
  }

  return {
    product: target.product,
    get readyAt() {
      const isFirst = at.place.page === BEGINNING.page
      return Math.max(waitUntil, isFirst ? at.dueAt : 0)
    },
    get failures() {
      return failures
    },
    turn,
    wait(until) {
      waitUntil = until
    },
    pause: (until, signal) => safely(() => checkpoint.pause(until), signal),
  }
}
