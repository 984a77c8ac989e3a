import { setTimeout as sleep } from 'node:timers/promises'
import { isTaken, savedIn, savedUnder } from '../checkpoint.ts'
import type { Leases } from '../leases/leases.ts'
import type { SourceContext } from '../source.ts'
import { openInbox } from './inbox.ts'
import type { Share } from './share.ts'
import type { News, SlotParts } from './slot.ts'
import { knows, nameOf, OF_PRODUCT, OF_PROVIDER, ownPartOf, state } from './state.ts'

/** Whether news is taken: of an unknown job it is not, and while a job begins nobody can tell. */
export type Heard = 'taken' | 'unknown' | 'too early'

/** What the provider tells of its jobs, whichever process it tells. */
export interface Hearing {
  /** Resolves once the news is durable. Throws `TransientError`. */
  hear(news: News): Promise<Heard>
  /** Deals with news that others were told, until the signal aborts, whose reason it rejects with. */
  follow(signal: AbortSignal): Promise<void>
}

export interface HearingOptions {
  readonly share: Share
  readonly leases: Leases
  readonly parts: SlotParts
  readonly context: Pick<SourceContext, 'name' | 'registry'>
}

/** A job of the provider's own is remembered for so long after it was told of: longer than providers repeat that. */
const REMEMBERED_MS = 7 * 24 * 3_600_000
/** What other processes were told is looked for so often. */
const LOOK_EVERY_MS = 2_000

export async function openHearing({ share, leases, parts, context }: HearingOptions): Promise<Hearing> {
  const { config, requests, now, insist } = parts
  const { registry, name: source } = context
  const inbox = openInbox(context, requests)

  /** Whose job this is, as all processes have saved it. */
  async function find(job: string) {
    const own = await registry.get(nameOf(source, ownPartOf(job)))
    const saved = own && savedIn(own, state)
    if (saved) return { part: ownPartOf(job), isWaiting: saved.phase === 'waiting' }
    let isOneBeginning = false
    for await (const { part, saved: at } of savedUnder(registry, nameOf(source, OF_PRODUCT), state)) {
      if (at && knows(at, job)) return { part: OF_PRODUCT + part, isWaiting: at.phase === 'waiting' }
      isOneBeginning ||= at?.phase === 'triggering'
    }
    return isOneBeginning ? 'too early' : 'unknown'
  }

  /** False where the job is not this process's. */
  async function deliver(part: string, news: News): Promise<boolean> {
    using hold = leases.hold(part)
    if (hold === undefined) return false
    const seat = share.seatOf(part)
    try {
      const slot = await share.load(seat, hold.fence)
      await slot.hear(news)
      return true
    } catch (error) {
      if (!isTaken(error)) throw error
      share.reload(seat)
      return false
    }
  }

  async function deliverAll(): Promise<void> {
    for await (const { part, news, takeOut } of inbox.list()) if (await deliver(part, news)) await takeOut()
  }

  async function forgetOld(): Promise<void> {
    for await (const entry of registry.list(nameOf(source, OF_PROVIDER))) {
      const at = savedIn(entry, state)
      if (at?.phase === 'idle' && at.startedAt < now() - REMEMBERED_MS)
        await registry.remove(entry.name, entry.revision)
    }
  }

  await forgetOld()
  return {
    async hear(news) {
      const { job, word } = news
      const mine = [...share.underWay].find(({ loaded }) => loaded?.slot?.knows(job))
      const found = mine ? { part: mine.part, isWaiting: true } : await find(job)
      if (found === 'too early') return found
      if (found === 'unknown' && config.notify?.acceptUnknown !== true) return found
      const { part, isWaiting } = found === 'unknown' ? { part: ownPartOf(job), isWaiting: true } : found
      if (!isWaiting || word === 'other') return 'taken'
      if (!(await deliver(part, news))) await inbox.put(part, news)
      if (found === 'unknown') await forgetOld()
      return 'taken'
    },
    async follow(signal) {
      while (config.notify) {
        await insist(deliverAll, signal)
        await sleep(LOOK_EVERY_MS, undefined, { signal, ref: false })
      }
    },
  }
}
