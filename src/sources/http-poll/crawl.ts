import type { Batch } from '../../batch.ts'
import { untilDone } from '../../lib/until-done.ts'
import type { Received } from '../../review/received.ts'
import { isTaken } from '../checkpoint.ts'
import type { Answer, Ask, Client } from '../http/client.ts'
import type { Secrets } from '../http/secrets.ts'
import { Trouble } from '../http/trouble.ts'
import type { SourceContext } from '../source.ts'
import { placeBehind, withPage } from './advance.ts'
import {
  atItsEnd,
  beginningAt,
  begunAnew,
  isAtBeginning,
  isBrief,
  type Checkpoint,
  partOf,
  polledToItsEnd,
  type Reached,
  resumed,
} from './checkpoint.ts'
import type { Config } from './config.ts'
import { evidenceOf, lookAt, nameOf } from './look.ts'
import { type Compared, compareWithBefore, receivedNote } from './presence.ts'
import { createTarget, type Target } from '../http/target.ts'
import type { Observed } from './velocity.ts'
import { openReviews, openVersions, REMEMBERED, type Window } from './window.ts'

/** What came of asking for one page. What is no page is handed over as evidence, and is trouble too. */
export interface Turn {
  readonly batch?: Batch<Received>
  readonly trouble?: Trouble
}

/** What all crawls of a source have in common. */
export interface CrawlParts {
  readonly config: Config
  readonly secrets: Secrets
  readonly client: Client
  readonly context: SourceContext
  /** The fingerprint of what is asked. */
  readonly asked: string
  /** A clock that is never set back. */
  readonly now: () => number
  /** The checkpoint of a product, as it is saved now. Throws `CHECKPOINT_TAKEN` where somebody has come with a higher fence. */
  readonly openCheckpoint: (
    product: string | undefined,
    fence: number,
    signal: AbortSignal,
  ) => Promise<Checkpoint>
  /** Repeats what the registry could not do for now, until it is done. */
  readonly insist: <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>
  /** From the beginning of a crawl to that of the next one, at most. */
  readonly longestMs: number
  /** What is known of a product at the end of a crawl, and when the next one begins. */
  readonly plan: (reached: Reached) => Planned
  /** From then on nothing is acknowledged. */
  readonly disposed: AbortSignal
  /** What all of them have asked since the start, and found. */
  readonly made: Made
}

/** Requests for pages, and versions of reviews that they were the first to show. */
export interface Made {
  calls: number
  fresh: number
}

/** What the end of a crawl tells of its product. */
type Known = Pick<Reached, 'observed' | 'polledAt' | 'told' | 'fetched' | 'found'>

export interface Planned {
  readonly observed?: Observed | undefined
  readonly dueAt: number
}

/** What is in memory of a crawl while it is under way. */
interface Loaded {
  readonly fence: number
  readonly checkpoint: Checkpoint
  readonly window: Window
  /** The reviews that the pages of this crawl showed. */
  shown: Window
  /** Those of them that are reviews of this product, by their tokens: some lists hold some of others, now and then. */
  readonly own: Set<string>
  at: Reached
}

/** So often the same page may be refused, or be unreadable, before the crawl begins anew: a cursor may have expired. */
const MAX_REFUSALS = 5
/** A page that shows what others showed seldom gets better where it is. */
const MAX_WITHHELD = 4

/**
 * The pages of one target, one after the other, again and again. A class, since there may be 100,000 of them; what one
 * remembers while it is under way is loaded at its beginning and forgotten at its end.
 */
export class Crawl {
  readonly product: string | undefined
  /** How often in a row it met trouble. */
  failures = 0
  /** How fast its product gets new reviews, as far as it is known. */
  observed: Observed | undefined
  /** When its last crawl began that came to its end; 0 where there was none. */
  polledAt = 0
  /** How many reviews there are, as the provider says, and how many its last crawl showed; undefined until it is known. */
  told: number | undefined
  fetched: number | undefined
  /** How long the latest new reviews may have waited until a poll found them; undefined where none but the first did. */
  discoveryMs: number | undefined
  readonly #parts: CrawlParts
  #dueAt: number
  #waitUntil = 0
  /** Whether a page that shows how reviews are withheld was kept since the last good one. */
  #hasEvidence = false
  #pending = 0
  #loaded: Loaded | undefined

  /** `dueAt`: when its next page may be asked for; `known`: what was saved of it. */
  constructor(product: string | undefined, dueAt: number, parts: CrawlParts, known: Known = {}) {
    this.product = product
    this.#learn(known)
    this.#dueAt = dueAt
    this.#parts = parts
  }

  /** The part of the source that it is. */
  get part(): string {
    return partOf(this.product)
  }

  /** When its next page may be asked for. */
  get readyAt(): number {
    return Math.max(this.#waitUntil, this.#dueAt)
  }

  /** Asks for nothing before that time. */
  wait(until: number): void {
    this.#waitUntil = until
  }

  /** Its next poll may begin from then on, unless one has begun since. */
  hurry(from: number): void {
    if (this.polledAt < from) this.#dueAt = Math.min(this.#dueAt, from)
  }

  /**
   * Asks for the next page, under the lease with this fence. Moves on behind it, unless there was trouble. Throws only the
   * signal's reason, or a bug.
   */
  async turn(fence: number, signal: AbortSignal): Promise<Turn> {
    try {
      return await this.#ask(fence, signal)
    } catch (error) {
      if (!isTaken(error)) throw error
      const { context, now } = this.#parts
      // Somebody else has the product by now, and goes on from what is saved.
      context.logger.debug({ source: context.name, product: this.product }, 'another process has the product')
      this.#forget(now())
      return {}
    }
  }

  async #ask(fence: number, signal: AbortSignal): Promise<Turn> {
    const { config, secrets, client, now, made } = this.#parts
    const loaded = this.#loaded?.fence === fence ? this.#loaded : await this.#load(fence, signal)
    this.#loaded = loaded
    if (isAtBeginning(loaded.at)) {
      if (this.#hasBeenPolled(loaded)) return this.#rest(loaded)
      loaded.at = { ...loaded.at, startedAt: now() }
      loaded.shown = openReviews('')
      loaded.own.clear()
    }
    try {
      const target = createTarget(config, secrets, this.product)
      const ask = target.ask(loaded.at.place)
      const validators = this.#isConditional(loaded) ? loaded.at.validators : undefined
      loaded.at = { ...loaded.at, calls: loaded.at.calls + 1 }
      made.calls++
      const answer = await client.ask({ ...ask, validators }, signal)
      return await this.#take(loaded, target, ask, answer, signal)
    } catch (error) {
      if (error instanceof Trouble) return await this.#withhold(loaded, error, [], signal)
      throw error
    }
  }

  async #load(fence: number, signal: AbortSignal): Promise<Loaded> {
    const { asked, now, longestMs, openCheckpoint, insist } = this.#parts
    const checkpoint = await insist(() => openCheckpoint(this.product, fence, signal), signal)
    const at = resumed(checkpoint.saved, asked, now(), longestMs)
    return {
      fence,
      checkpoint,
      at,
      window: openVersions(at.seen),
      shown: openReviews(at.shown),
      own: new Set(),
    }
  }

  /** Whether somebody else has polled the product meanwhile, so that there is nothing to do yet. */
  #hasBeenPolled({ at: { polledAt = 0, dueAt } }: Loaded): boolean {
    return polledAt !== this.polledAt && dueAt > this.#parts.now()
  }

  #rest({ at }: Loaded): Turn {
    this.#learn(at)
    this.#forget(at.dueAt)
    return {}
  }

  #learn({ observed, polledAt = 0, told, fetched, found }: Known): void {
    this.observed = observed
    this.polledAt = polledAt
    this.told = told
    this.fetched = fetched
    this.discoveryMs = found?.afterMs
  }

  #forget(dueAt: number): void {
    this.#loaded = undefined
    this.#dueAt = dueAt
  }

  async #take(loaded: Loaded, target: Target, ask: Ask, answer: Answer, signal: AbortSignal): Promise<Turn> {
    const { config, context, secrets, insist, disposed, made } = this.#parts
    if (answer.isUnchanged) return this.#moveOn(loaded, this.#unchanged(loaded), [], signal)
    const where = { ask, at: loaded.at, shown: loaded.shown, isFull: this.#isFull }
    const look = lookAt(answer, where, { context, secrets })
    const { page, items, seen, total, fault } = look
    if (fault !== undefined) {
      if (fault.code !== 'SOFT_BLOCKED') return this.#withhold(loaded, fault, items, signal)
      const isEvidence = !this.#hasEvidence && answer.body.length > 0
      this.#hasEvidence ||= isEvidence
      const evidence = isEvidence ? evidenceOf(answer, fault, where, context) : []
      return this.#withhold(loaded, fault, evidence, signal)
    }
    const behind = placeBehind(loaded.at, target, look, answer)
    if (behind instanceof Trouble) return this.#withhold(loaded, behind, items, signal)
    for (const one of seen) {
      loaded.shown.add(nameOf(one))
      const isOwn = this.product === undefined || one.product === this.product
      if (one.review !== undefined && isOwn) loaded.own.add(one.review)
    }
    const isNews = page.digest !== loaded.at.last
    const fresh = seen.filter(({ version }, n) => {
      const isFresh = isNews && !loaded.window.has(version)
      // Of a longer list than can be remembered it is the beginning that is, where the next poll begins.
      if (loaded.at.count + n < REMEMBERED) loaded.window.add(version)
      return isFresh
    })
    context.repeated(seen.length - fresh.length)
    made.fresh += fresh.length
    const { at } = loaded
    const counted = withPage(at, look, answer, fresh.length)
    const received = fresh.map((one) => one.received)
    const isEnough = fresh.length === 0 && seen.length > 0 && isBrief(at, config.fullEveryMs)
    if (behind !== undefined) {
      const next = isEnough ? this.#planned(polledToItsEnd(counted)) : { ...counted, place: behind }
      return this.#moveOn(loaded, next, received, signal)
    }
    const known = atItsEnd(counted, this.#isFull, total)
    const ended = this.#planned(known)
    if (known.completeAt !== known.startedAt) return this.#moveOn(loaded, ended, received, signal)
    const compared = await insist(() => this.#compare(loaded), signal)
    const notes = compared.notes.map((note) => receivedNote(note, this.product, context))
    return this.#moveOn(loaded, ended, [...received, ...notes], signal, async () => {
      if (!disposed.aborted) await compared.save()
    })
  }

  /** Hands over what is new, and saves the place behind it once that is safe. */
  async #moveOn(
    loaded: Loaded,
    behind: Reached,
    items: readonly Received[],
    signal: AbortSignal,
    before: () => Promise<void> = async () => {},
  ): Promise<Turn> {
    const { insist, disposed } = this.#parts
    const shown = isAtBeginning(behind) ? '' : loaded.shown.encode()
    const next = { ...behind, refused: 0, seen: loaded.window.encode(), shown }
    const save = loaded.checkpoint.handOver(next)
    loaded.at = next
    this.failures = 0
    this.#hasEvidence = false
    this.#dueAt = isAtBeginning(next) ? next.dueAt : 0
    this.#pending++
    const acknowledge = untilDone(async () => {
      if (disposed.aborted) return
      try {
        await before()
        await save()
      } catch (error) {
        // What was handed over is safe all the same; whoever has the product now may hand it over again.
        if (!isTaken(error)) throw error
      }
      this.#pending--
      const isDone = this.#pending === 0 && this.#loaded === loaded && isAtBeginning(loaded.at)
      if (isDone) this.#loaded = undefined
    })
    if (items.length > 0) return { batch: { items, ack: acknowledge } }
    await insist(acknowledge, signal)
    return {}
  }

  /** The cursor stays. What came instead of a page is handed over, and comes again where it is not kept by then. */
  async #withhold(
    loaded: Loaded,
    trouble: Trouble,
    items: readonly Received[],
    signal: AbortSignal,
  ): Promise<Turn> {
    this.failures++
    await this.#noteRefusal(loaded, trouble, signal)
    return items.length > 0 ? { batch: { items, ack: async () => {} }, trouble } : { trouble }
  }

  /** A poll that is to read all pages does so also where the first one is as it was. */
  #isConditional({ at }: Loaded): boolean {
    const { fullEveryMs } = this.#parts.config
    return isAtBeginning(at) && (fullEveryMs === undefined || isBrief(at, fullEveryMs))
  }

  get #isFull(): boolean {
    const { config, context } = this.#parts
    return (config.coverage ?? context.provider.coverage) === 'full'
  }

  /** The first page is as it was, and so is what is behind it as far as anybody knows: nothing is counted. */
  #unchanged({ at }: Loaded): Reached {
    return this.#planned(polledToItsEnd(at))
  }

  /** The beginning of the next crawl. */
  #planned(known: Reached): Reached {
    const { observed = known.observed, dueAt } = this.#parts.plan(known)
    this.#learn({ ...known, observed })
    return { ...known, ...beginningAt(known.startedAt), observed, dueAt }
  }

  #compare({ own: shown, at }: Loaded): Promise<Compared> {
    const { config, context } = this.#parts
    const name = `present/${context.name}/${partOf(this.product)}`
    const look = { shown, at: at.startedAt, after: config.removedAfter }
    return compareWithBefore(context.registry, name, look)
  }

  /**
   * Counts how often the page was refused, and saves that before it is asked for again: whoever goes on after a kill asks no
   * more often because of it. What others would meet too says nothing about the page, however often it comes.
   */
  async #noteRefusal(loaded: Loaded, trouble: Trouble, signal: AbortSignal): Promise<void> {
    const isWithheld = trouble.code === 'SOFT_BLOCKED'
    const isRefusal = (isWithheld || !trouble.mayPass) && !trouble.isShared
    if (!isRefusal || isAtBeginning(loaded.at)) return
    const { context, now, insist, disposed } = this.#parts
    const refused = loaded.at.refused + 1
    if (refused < (isWithheld ? MAX_WITHHELD : MAX_REFUSALS)) loaded.at = { ...loaded.at, refused }
    else {
      const about = { source: context.name, product: this.product, page: loaded.at.place.page }
      context.logger.warn(about, `no way past a page after ${refused} attempts; the crawl begins anew`)
      const { calls, fresh } = loaded.at
      loaded.at = { ...loaded.at, ...begunAnew(now()), calls, fresh }
    }
    const save = loaded.checkpoint.handOver(loaded.at)
    await insist(async () => {
      if (!disposed.aborted) await save()
    }, signal)
  }
}
