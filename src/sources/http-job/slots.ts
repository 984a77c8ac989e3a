import type { Entry } from '../../stores/registry.ts'
import type { SourceContext } from '../source.ts'
import type { Subject } from './report.ts'
import { createSlot, type News, type Slot, type SlotParts } from './slot.ts'
import { idleAt, openState, type State, waitingFor } from './state.ts'

/** Whether news is taken: of an unknown job it is not, and while a job begins nobody can tell. */
export type Heard = 'taken' | 'unknown' | 'too early'

export interface Next {
  readonly slot: Slot
  readonly readyAt: number
}

/** All slots of a source. */
export interface Slots {
  /**
   * Who is ready first, and when; of those that are ready, who had its turn the longest time ago. No job is begun before
   * `beginAt`. Undefined where nobody has anything to do.
   */
  next(beginAt: number): Next | undefined
  /** This one has its turn now. */
  takeTurn(slot: Slot): void
  /** Resolves once the news is durable. Throws `TransientError`. */
  hear(news: News): Promise<Heard>
}

/** A job of the provider's own is remembered for so long after it was told of: longer than providers repeat that. */
const REMEMBERED_MS = 7 * 24 * 3_600_000

/** One slot for each product, and one for each job that is still under way, whoever began it. */
export async function openSlots(
  products: readonly (string | undefined)[],
  { name, registry, signal }: SourceContext,
  parts: SlotParts,
): Promise<Slots> {
  const { config, now } = parts
  const ofProduct = `job/${name}/of/`
  const ofProvider = `job/${name}/id/`
  const mayBegin = config.trigger !== undefined
  const slots: Slot[] = []
  /** Jobs of the provider's own that are being saved. */
  const arriving = new Map<string, Promise<void>>()

  const saved = new Map<string, Entry>()
  for await (const entry of registry.list(`job/${name}/`, { signal })) saved.set(entry.name, entry)
  for (const product of mayBegin ? products : []) {
    const entryName = ofProduct + (product ?? '-')
    add(entryName, product === undefined ? {} : { product }, true)
    saved.delete(entryName)
  }
  for (const entryName of saved.keys()) {
    if (entryName.startsWith(ofProduct)) add(entryName, { product: entryName.slice(ofProduct.length) }, false)
    else if (entryName.startsWith(ofProvider))
      add(entryName, { job: entryName.slice(ofProvider.length) }, false)
  }
  await forgetOld()

  function add(entryName: string, subject: Subject, begins: boolean): void {
    slots.push(slotOf(entryName, saved.get(entryName), subject, begins, idleAt(now())))
  }

  function slotOf(
    entryName: string,
    found: Entry | undefined,
    subject: Subject,
    begins: boolean,
    first: State,
  ): Slot {
    return createSlot(subject, begins, openState(entryName, found, { registry }), first, parts)
  }

  async function arrive(news: News): Promise<void> {
    const { job } = news
    const entryName = ofProvider + job
    const slot = slotOf(entryName, await registry.get(entryName), { job }, false, waitingFor(job, now()))
    await slot.hear(news)
    slots.push(slot)
    parts.wake()
    await forgetOld()
  }

  async function forgetOld(): Promise<void> {
    const isOld = ({ subject, isIdle, startedAt }: Slot): boolean =>
      subject.job !== undefined && isIdle && startedAt < now() - REMEMBERED_MS
    for (const slot of slots.filter(isOld)) {
      slots.splice(slots.indexOf(slot), 1)
      const entry = await registry.get(ofProvider + (slot.subject.job ?? ''))
      if (entry !== undefined) await registry.remove(entry.name, entry.revision)
    }
  }

  return {
    next(beginAt) {
      const underWay = slots.filter(({ isIdle }) => !isIdle).length
      const mayBeginAt = underWay < config.jobsAtOnce ? beginAt : Infinity
      const readyAtOf = ({ isIdle, readyAt }: Slot): number =>
        isIdle ? Math.max(readyAt, mayBeginAt) : readyAt
      const at = now()
      let next: Next | undefined
      for (const slot of slots) {
        const readyAt = readyAtOf(slot)
        if (readyAt < (next?.readyAt ?? Infinity)) next = { slot, readyAt }
        if (readyAt <= at) break
      }
      return next
    },
    takeTurn(slot) {
      slots.splice(slots.indexOf(slot), 1)
      slots.push(slot)
    },
    async hear(news) {
      const known = slots.find((slot) => slot.knows(news.job))
      if (known !== undefined) {
        await known.hear(news)
        return 'taken'
      }
      if (slots.some(({ isTriggering }) => isTriggering)) return 'too early'
      if (config.notify?.acceptUnknown !== true) return 'unknown'
      if (news.word === 'other') return 'taken'
      const underWay = arriving.get(news.job) ?? arrive(news).finally(() => arriving.delete(news.job))
      arriving.set(news.job, underWay)
      await underWay
      return 'taken'
    },
  }
}
