import type { Batch } from '../../batch.ts'
import { HeadwaterError } from '../../errors.ts'
import type { Received } from '../../review/received.ts'
import type { Sighting, Told } from '../../review/provider.ts'
import type { Answer, Ask, Client } from '../http/client.ts'
import { type Page, readPage } from '../http/page.ts'
import type { Secrets } from '../http/secrets.ts'
import { Trouble } from '../http/trouble.ts'
import type { SourceContext } from '../source.ts'
import { atItsEnd, beginningAt, type Checkpoint, partOf, type Reached, resumed } from './checkpoint.ts'
import type { Config } from './config.ts'
import { BEGINNING } from './paging.ts'
import { type Compared, compareWithBefore, receivedNote } from './presence.ts'
import { suspicionOf } from './suspicion.ts'
import { createTarget, type Target } from './target.ts'
import type { Observed } from './velocity.ts'
import { openWindow, type Window } from './window.ts'

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
}

export interface Planned {
  readonly observed?: Observed | undefined
  readonly dueAt: number
}

/** What is in memory of a crawl while it is under way. */
interface Loaded {
  readonly fence: number
  readonly checkpoint: Checkpoint
  readonly window: Window
  /** The reviews that the pages of this crawl showed, by their tokens. */
  readonly shown: Set<string>
  at: Reached
}

/** So often the same page may be refused, or be unreadable, before the crawl begins anew: a cursor may have expired. */
const MAX_REFUSALS = 5

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
  polledAt: number
  readonly #parts: CrawlParts
  #dueAt: number
  #waitUntil = 0
  #refusals = 0
  #pending = 0
  #loaded: Loaded | undefined

  /** `dueAt`: when its next page may be asked for; `known`: what was saved of it. */
  constructor(
    product: string | undefined,
    dueAt: number,
    parts: CrawlParts,
    known: Pick<Reached, 'observed' | 'polledAt'> = {},
  ) {
    this.product = product
    this.observed = known.observed
    this.polledAt = known.polledAt ?? 0
    this.#dueAt = dueAt
    this.#parts = parts
  }

  /** When its next page may be asked for. */
  get readyAt(): number {
    return Math.max(this.#waitUntil, this.#dueAt)
  }

  /** Asks for nothing before that time. */
  wait(until: number): void {
    this.#waitUntil = until
  }

  /**
   * Asks for the next page, under the lease with this fence. Moves on behind it, unless there was trouble. Throws only the
   * signal's reason, or a bug.
   */
  async turn(fence: number, signal: AbortSignal): Promise<Turn> {
    const { config, secrets, client, context, now } = this.#parts
    try {
      const loaded = this.#loaded?.fence === fence ? this.#loaded : await this.#load(fence, signal)
      this.#loaded = loaded
      if (isAtBeginning(loaded.at)) {
        if (this.#hasBeenPolled(loaded)) return this.#rest(loaded)
        loaded.at = { ...loaded.at, startedAt: now() }
        loaded.shown.clear()
      }
      const target = createTarget(config, secrets, this.product)
      const ask = target.ask(loaded.at.place)
      const validators = isAtBeginning(loaded.at) ? loaded.at.validators : undefined
      loaded.at = { ...loaded.at, calls: loaded.at.calls + 1 }
      const answer = await client.ask({ ...ask, validators }, signal)
      return await this.#take(loaded, target, ask, answer, signal)
    } catch (error) {
      if (error instanceof Trouble && this.#loaded) return { trouble: this.#noted(this.#loaded, error) }
      if (!isTaken(error)) throw error
      // Somebody else has the product by now, and goes on from what is saved.
      context.logger.debug({ source: context.name, product: this.product }, 'another process has the product')
      this.#forget(now())
      return {}
    }
  }

  async #load(fence: number, signal: AbortSignal): Promise<Loaded> {
    const { asked, now, longestMs, openCheckpoint, insist } = this.#parts
    const checkpoint = await insist(() => openCheckpoint(this.product, fence, signal), signal)
    const at = resumed(checkpoint.saved, asked, now(), longestMs)
    return { fence, checkpoint, at, window: openWindow(at.seen), shown: new Set() }
  }

  /** Whether somebody else has polled the product meanwhile, so that there is nothing to do yet. */
  #hasBeenPolled({ at: { polledAt = 0, dueAt } }: Loaded): boolean {
    return polledAt !== this.polledAt && dueAt > this.#parts.now()
  }

  #rest({ at: { polledAt = 0, observed, dueAt } }: Loaded): Turn {
    this.polledAt = polledAt
    this.observed = observed
    this.#forget(dueAt)
    return {}
  }

  #forget(dueAt: number): void {
    this.#loaded = undefined
    this.#dueAt = dueAt
  }

  async #take(loaded: Loaded, target: Target, ask: Ask, answer: Answer, signal: AbortSignal): Promise<Turn> {
    const { context, secrets, insist, disposed } = this.#parts
    if (answer.isUnchanged) return this.#moveOn(loaded, this.#unchanged(loaded), [], signal)
    const { told } = context.provider
    const page = readPage(answer, context.split, secrets.scrub)
    const { total, isBlocked } = page.text === undefined ? NOTHING_TOLD : told(page.text)
    const items = this.#receive(loaded, page, ask, answer)
    const seen = items.map((received) => ({ received, ...context.provider.identify(received) }))
    const fault = page.fault ?? this.#suspicion(loaded, page, seen, total, isBlocked)
    if (fault !== undefined) return this.#withhold(loaded, fault, items, answer, ask)

    const added = addedBy(seen, loaded.shown)
    const behind = this.#placeBehind(loaded, target, page, answer, added.size)
    if (behind instanceof Trouble) {
      const trouble = this.#noted(loaded, behind)
      return items.length > 0 ? { batch: { items, ack: async () => {} }, trouble } : { trouble }
    }
    for (const review of added) loaded.shown.add(review)
    const isNews = page.digest !== loaded.at.last
    const fresh = seen.filter(({ version }) => {
      const isFresh = isNews && !loaded.window.has(version)
      loaded.window.add(version)
      return isFresh
    })
    context.repeated(seen.length - fresh.length)
    const at = loaded.at
    const pageSize = isAtBeginning(at) ? seen.length : at.pageSize
    // A shorter page is the last one, unless one behind it shows more.
    const isOdd = seen.length > pageSize || (at.isShort && added.size > 0)
    const counted: Reached = {
      ...at,
      count: at.count + added.size,
      fresh: at.fresh + fresh.length,
      wasValid: at.wasValid || seen.some(({ code }) => code === undefined),
      ...(total !== undefined && { told: total }),
      ...(isAtBeginning(at) && { validators: answer.validators }),
      isPartial: at.isPartial || isOdd,
    }
    const received = fresh.map((one) => one.received)
    if (behind !== undefined) {
      const { digest: last } = page
      const first = isAtBeginning(at) ? last : at.first
      const isShort = seen.length < pageSize
      const next = { ...counted, place: behind, last, first, pageSize, isShort }
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
    const next = { ...behind, seen: loaded.window.encode() }
    const save = loaded.checkpoint.handOver(next)
    loaded.at = next
    this.failures = this.#refusals = 0
    this.#dueAt = isAtBeginning(next) ? next.dueAt : 0
    this.#pending++
    const acknowledge = async (): Promise<void> => {
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
    }
    if (items.length > 0) return { batch: { items, ack: once(acknowledge) } }
    await insist(once(acknowledge), signal)
    return {}
  }

  #receive({ at }: Loaded, { pieces }: Page, { from }: Ask, { status }: Answer): Received[] {
    const { name: source, origin, clock } = this.#parts.context
    const receivedAt = clock()
    const about = { source, kind: 'http-poll', from, page: at.place.page, status }
    return pieces.map(({ raw, ...told }, n) => ({
      origin,
      receivedAt,
      raw,
      context: { ...about, position: n + 1, ...told },
    }))
  }

  #suspicion(
    { at, shown }: Loaded,
    { digest }: Page,
    sightings: readonly Sighting[],
    total: number | undefined,
    isBlocked: boolean,
  ): Trouble | undefined {
    const words = suspicionOf({
      coverage: this.#isFull ? 'full' : 'top',
      isFirst: isAtBeginning(at),
      sightings,
      added: addedBy(sightings, shown).size,
      isFirstAgain: !isAtBeginning(at) && digest === at.first && sightings.length > 0,
      isBlocked,
      total,
      count: at.count,
      before: at.whole,
      wasValid: at.wasValid,
    })
    return words === undefined ? undefined : new Trouble('SOFT_BLOCKED', words, { isShared: isBlocked })
  }

  /** The cursor stays. The first of such pages in a row is kept, as one dead letter that tells what it looks like. */
  #withhold(loaded: Loaded, fault: Trouble, items: readonly Received[], answer: Answer, ask: Ask): Turn {
    const isEvidence = this.failures === 0 && answer.body.length > 0
    const trouble = this.#noted(loaded, fault)
    if (fault.code !== 'SOFT_BLOCKED')
      return items.length > 0 ? { batch: { items, ack: async () => {} }, trouble } : { trouble }
    if (!isEvidence) return { trouble }
    const piece = { raw: answer.body, blocked: fault.message }
    const page = { pieces: [piece], digest: '', text: undefined, fault }
    return { batch: { items: this.#receive(loaded, page, ask, answer), ack: async () => {} }, trouble }
  }

  /** The crawl is at its end where a page adds no review to those of the pages before, or names no other. */
  #placeBehind(
    { at }: Loaded,
    target: Target,
    { pieces, digest, text }: Page,
    { link }: Answer,
    added: number,
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

  get #isFull(): boolean {
    const { config, context } = this.#parts
    return (config.coverage ?? context.provider.coverage) === 'full'
  }

  /** The first page is as it was, and so is what is behind it as far as anybody knows: nothing is counted. */
  #unchanged({ at }: Loaded): Reached {
    return this.#planned({ ...at, polledAt: at.startedAt })
  }

  /** The beginning of the next crawl. */
  #planned(known: Reached): Reached {
    const { observed = known.observed, dueAt } = this.#parts.plan(known)
    this.observed = observed
    this.polledAt = known.startedAt
    return { ...known, ...beginningAt(known.startedAt), observed, dueAt }
  }

  #compare({ shown, at }: Loaded): Promise<Compared> {
    const { config, context } = this.#parts
    const name = `present/${context.name}/${partOf(this.product)}`
    const look = { shown, at: at.startedAt, after: config.removedAfter }
    return compareWithBefore(context.registry, name, look)
  }

  /** What others would meet too says nothing about the page, however often it comes. */
  #noted(loaded: Loaded, trouble: Trouble): Trouble {
    this.failures++
    const isRefusal = !trouble.mayPass || trouble.code === 'SOFT_BLOCKED'
    if (isRefusal && !trouble.isShared) this.#refusals++
    if (this.#refusals === MAX_REFUSALS && !isAtBeginning(loaded.at)) {
      const { context, now } = this.#parts
      const about = { source: context.name, product: this.product, page: loaded.at.place.page }
      context.logger.warn(about, `no way past a page after ${MAX_REFUSALS} attempts; the crawl begins anew`)
      loaded.at = { ...loaded.at, ...beginningAt(now()), dueAt: now() }
      this.#refusals = 0
    }
    return trouble
  }
}

const NOTHING_TOLD: Told = { isBlocked: false }

/** The reviews among these that were not shown before, each once. */
const addedBy = (sightings: readonly Sighting[], shown: ReadonlySet<string>): ReadonlySet<string> =>
  new Set(sightings.map(({ review, version }) => review ?? version)).difference(shown)

const isTaken = (error: unknown): boolean =>
  error instanceof HeadwaterError && error.code === 'CHECKPOINT_TAKEN'

const isAtBeginning = ({ place }: Reached): boolean => place.page === BEGINNING.page

/** An acknowledgement may be repeated while it fails, and when it is done. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done = false
  return async () => {
    if (done) return
    await work()
    done = true
  }
}
