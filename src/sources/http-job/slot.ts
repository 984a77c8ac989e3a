import type { Batch } from '../../batch.ts'
import { formatDuration } from '../../lib/units.ts'
import type { Received } from '../../review/received.ts'
import type { Checkpoint } from '../checkpoint.ts'
import type { Client } from '../http/client.ts'
import { backOff } from '../http/pace.ts'
import { Trouble } from '../http/trouble.ts'
import { type Word, wordsOf } from './answers.ts'
import type { Budget } from './budget.ts'
import type { Config } from './config.ts'
import type { Download } from './download.ts'
import { withGrace } from './grace.ts'
import { type Answered, createPatience, MAX_REFUSALS } from './patience.ts'
import { askProgress } from './progress.ts'
import type { Report } from './report.ts'
import type { Requests } from './requests.ts'
import { createSaving, type SavingParts } from './saving.ts'
import type { Seat } from './seat.ts'
import {
  atBeginning,
  type Begun,
  behindResult,
  type Downloading,
  knows,
  plausible,
  type State,
} from './state.ts'
import { triggerJob } from './trigger.ts'

/** What came of a turn. A part that can't be understood is handed over, and is trouble too. */
export interface Turn {
  readonly batch?: Batch<Received>
  readonly trouble?: Trouble
}

/** What a provider tells of a job by itself. */
export interface News {
  readonly job: string
  readonly word: Word
  /** All that it said. */
  readonly body: Buffer
  readonly links?: readonly string[] | undefined
}

/** A job of one product, from its beginning until its result was read; or one that the provider began. */
export interface Slot {
  /** When it has something to do; Infinity where only the provider, or an acknowledgement, can change that. */
  readonly readyAt: number
  /** Whether no job is under way. */
  readonly isIdle: boolean
  /** When the next job may begin. */
  readonly dueAt: number
  /** Whether this job is under way here, or one of the last that were read. */
  knows(job: string): boolean
  /** Does the next thing. Throws only the signal's reason, `CHECKPOINT_TAKEN`, or a bug. */
  turn(signal: AbortSignal): Promise<Turn>
  /** Resolves once the news is durable; a repeated one does nothing. Throws `TransientError`, and `CHECKPOINT_TAKEN`. */
  hear(news: News): Promise<void>
}

/** What all slots of a source have in common. */
export interface SlotParts extends Pick<SavingParts, 'insist' | 'disposed'> {
  readonly config: Config
  readonly requests: Requests
  readonly client: Client
  readonly download: Download
  /** How results are asked for. */
  readonly asked: string
  readonly answered: Answered
  readonly budget: Budget
  readonly report: Report
  /** A clock that is never set back. */
  readonly now: () => number
  readonly random: () => number
  /** Called when a slot may have something to do sooner than it said. */
  readonly wake: () => void
}

/**
 * `first` is where it begins where nothing was saved. A slot that may begin no jobs only finishes the one that it has. The seat
 * keeps how often it met trouble, and until when it waits.
 */
export function createSlot(
  seat: Seat,
  mayBegin: boolean,
  checkpoint: Checkpoint<State>,
  first: State,
  parts: SlotParts,
): Slot {
  const { config, requests, client, download, asked, answered, budget, report, now, random, wake } = parts
  const { trigger, progress, everyMs, retries } = config
  const { subject } = seat
  const { product } = subject
  const saving = createSaving(checkpoint, parts)
  let at = resumed()
  const patience = createPatience(answered)
  let hasBegunAnew = false

  function resumed(): State {
    const { saved } = checkpoint
    if (saved === undefined) return first
    const state = plausible(saved, now(), everyMs)
    const isForeign = state.phase === 'downloading' && state.links === undefined && state.asked !== asked
    return isForeign ? toDownload(state) : state
  }

  function toDownload(job: Begun, links?: readonly string[]): Downloading {
    return atBeginning(job, asked, links?.map(requests.kept))
  }

  async function move(next: State, signal: AbortSignal): Promise<void> {
    at = next
    await saving.save(next, signal)
  }

  async function turn(signal: AbortSignal): Promise<Turn> {
    const { phase } = at
    try {
      const done = await act(signal)
      if (done.trouble === undefined) {
        seat.failures = 0
        patience.answered(phase)
      }
      return done
    } catch (error) {
      if (error instanceof Trouble) return await noted(error, signal)
      throw error
    }
  }

  function act(signal: AbortSignal): Promise<Turn> {
    switch (at.phase) {
      case 'idle':
        return withGrace(signal, parts.disposed, begin)
      case 'triggering':
        return fail('a job may have begun before a restart, but its id was not saved yet', signal)
      case 'waiting':
        return look(at, signal)
      case 'downloading':
        return fetchPart(at, signal)
    }
  }

  /** Not broken off by whoever stops reading: an answer that nobody waits for is a job that nobody knows. */
  async function begin(signal: AbortSignal): Promise<Turn> {
    if (trigger === undefined) return {}
    const spentMs = await parts.insist(() => budget.take(), signal)
    if (spentMs > 0) {
      report.budgetSpent(spentMs)
      seat.waitUntil = budget.spentUntil
      return {}
    }
    const before = at
    const isRepeated = at.failures > 0
    const round = { startedAt: isRepeated ? at.startedAt : now(), failures: at.failures, earlier: at.earlier }
    await move({ phase: 'triggering', ...round }, signal)
    const triggered = await triggerJob(trigger, product, config, requests, client, signal)
    switch (triggered.is) {
      case 'begun': {
        const { job } = triggered
        await move({ phase: 'waiting', job, begunAt: now(), ...round }, signal)
        report.began(subject, job)
        seat.waitUntil = now() + progress.everyMs
        return {}
      }
      case 'lost':
        await fail(triggered.why, signal)
        return troubled(triggered.trouble)
      case 'refused':
        await move(before, signal)
        await parts.insist(() => budget.giveBack(), signal)
        return troubled(triggered.trouble)
    }
  }

  function troubled(trouble: Trouble | undefined): Turn {
    if (trouble === undefined) return {}
    seat.failures++
    return { trouble }
  }

  async function look(before: Begun, signal: AbortSignal): Promise<Turn> {
    const ask = requests.progress(before.job, product)
    if (ask === undefined) return fetchPart(toDownload(before), signal)
    const found = await askProgress(ask, config, client, signal)
    if (at !== before) return {}
    switch (found.is) {
      case 'not ready':
        return notReady(before, signal, found.retryAfterMs)
      case 'failed':
        return fail(failureOf(before, found.body), signal)
      case 'empty':
        return finish(before, signal)
      case 'done':
        if (found.links === undefined) at = toDownload(before)
        else await move(toDownload(before, found.links), signal)
        return {}
    }
  }

  async function fetchPart(from: Downloading, signal: AbortSignal): Promise<Turn> {
    if (from.links?.length === 0) return finish(from, signal)
    const before = at
    const found = await download.next(from, product, signal)
    if (at !== before) return {}
    switch (found.is) {
      case 'not ready':
        return notReady(from, signal, found.retryAfterMs)
      case 'failed':
        return fail(failureOf(from, found.body), signal)
      case 'links':
        await move(toDownload(from, found.links), signal)
        return {}
      case 'faulty': {
        const { items, trouble } = found
        // What came in place of a result is this job's, whoever else may meet the like.
        const turn = await noted(trouble, signal, !trouble.mayPass)
        return items.length === 0 ? turn : { ...turn, batch: { items, ack: async () => {} } }
      }
      case 'part': {
        const { items, next, digest } = found
        if (next === undefined) return finish(from, signal, items)
        return pass({ ...from, place: next, last: digest }, items, signal)
      }
    }
  }

  /** Moves on to what is behind these items once they are acknowledged, which `passed` is told of. */
  async function pass(
    next: State,
    items: readonly Received[],
    signal: AbortSignal,
    passed: () => void = () => {},
  ): Promise<Turn> {
    if (items.length === 0) {
      await move(next, signal)
      passed()
      return {}
    }
    at = next
    const batch = saving.handOver(next, items, () => {
      passed()
      wake()
    })
    return { batch }
  }

  function finish(from: Begun, signal: AbortSignal, items: readonly Received[] = []): Promise<Turn> {
    hasBegunAnew = false
    const next = behindResult(from, Math.max(now(), from.startedAt + everyMs))
    return pass(next, items, signal, () => report.read(subject, from.job))
  }

  /**
   * A result is taken however long this process was away: the deadline counts only after the provider was asked, and not
   * for one of which something was read.
   */
  async function notReady(from: Begun, signal: AbortSignal, retryAfterMs = 0): Promise<Turn> {
    const isPartlyRead = from.phase === 'downloading' && from.place.page > 1
    if (!isPartlyRead && isOverdue(from)) return fail(`${expectedOf(from)}, found none`, signal)
    seat.waitUntil = now() + Math.max(progress.everyMs, retryAfterMs)
    return {}
  }

  const isOverdue = ({ begunAt }: Begun): boolean => now() - begunAt >= progress.deadlineMs

  const expectedOf = ({ job }: Begun): string =>
    `expected a result of job ${job} within ${formatDuration(progress.deadlineMs)}`

  const failureOf = ({ job }: Begun, body: Buffer): string =>
    `job ${job} failed; the provider says: ${wordsOf(body, requests.secrets.scrub)}`

  async function fail(why: string, signal: AbortSignal, isWorthRepeating = true): Promise<Turn> {
    await move(behindFailure(why, isWorthRepeating), signal)
    return {}
  }

  /** What comes after a job that has no result. */
  function behindFailure(why: string, isWorthRepeating = true): State {
    const { startedAt, earlier } = at
    const isRepeated = mayBegin && isWorthRepeating && at.failures < retries
    const dueAt = isRepeated ? now() + backOff(at.failures + 1, random) : Math.max(now(), startedAt + everyMs)
    const next = isRepeated ? 'a new one begins' : 'the next one begins'
    const when = mayBegin ? `${next} in ${formatDuration(dueAt - now())}` : 'it is not begun anew from here'
    report.failed(subject, why, when)
    seat.failures = 0
    patience.renew()
    hasBegunAnew = false
    return { phase: 'idle', dueAt, startedAt, failures: isRepeated ? at.failures + 1 : 0, earlier }
  }

  /** What others would meet too says nothing about the result, however often it comes, unless that is overdue and they do not. */
  async function noted(
    trouble: Trouble,
    signal: AbortSignal,
    isRefusal = !trouble.mayPass && !trouble.isShared,
  ): Promise<Turn> {
    patience.met(at.phase, isRefusal)
    const late = 'job' in at && isOverdue(at) && patience.isAlone ? at : undefined
    if (!patience.isRefused && late === undefined) return troubled(trouble)
    patience.renew()
    if (at.phase === 'downloading' && at.place.page > 1 && at.links === undefined && !hasBegunAnew) {
      hasBegunAnew = true
      at = toDownload(at)
      return troubled(trouble)
    }
    if (late) {
      const why = `${expectedOf(late)}, found trouble that no other job has: ${trouble.message}`
      return fail(why, signal)
    }
    const job = 'job' in at ? at.job : ''
    const why = `no way to the result of job ${job} after ${MAX_REFUSALS} attempts: ${trouble.message}`
    // What can't be understood would be no better in a result that is paid for again.
    return fail(why, signal, trouble.code !== 'PAGE_UNREADABLE')
  }

  return {
    get readyAt() {
      if (at.phase !== 'idle') return seat.waitUntil
      return mayBegin && saving.open === 0 ? Math.max(seat.waitUntil, at.dueAt) : Infinity
    },
    get isIdle() {
      return at.phase === 'idle' && saving.open === 0
    },
    get dueAt() {
      return at.phase === 'idle' ? at.dueAt : Infinity
    },
    knows: (job) => subject.job === job || knows(at, job),
    turn,
    async hear({ word, body, links }) {
      const before = at
      if (before.phase !== 'waiting' || word === 'other') return
      const next = word === 'done' ? toDownload(before, links) : behindFailure(failureOf(before, body))
      await checkpoint.handOver(next)()
      if (at !== before) return
      at = next
      seat.waitUntil = 0
      patience.renew()
      wake()
    },
  }
}
