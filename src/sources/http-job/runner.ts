import type { Batch } from '../../batch.ts'
import type { TransientError } from '../../errors.ts'
import { createBell } from '../../lib/bell.ts'
import { retry } from '../../lib/retry.ts'
import type { Received } from '../../review/received.ts'
import { readProducts } from '../http-poll/products.ts'
import { createClient } from '../http/client.ts'
import { backOff, patienceFor, REAL_TIME, steady, type Time } from '../http/pace.ts'
import { openPause } from '../http/pause.ts'
import type { Source, SourceContext } from '../source.ts'
import { openBudget } from './budget.ts'
import type { Config } from './config.ts'
import { createDownload } from './download.ts'
import { addNotifications } from './notify.ts'
import { createReport } from './report.ts'
import { createRequests } from './requests.ts'
import type { Slot, SlotParts } from './slot.ts'
import { openSlots } from './slots.ts'

/** No timer is set for longer; a clock that was put right is noticed so soon. */
const LONGEST_SLEEP_MS = 60_000

/** Begins jobs at a provider, waits for them and reads their results, one request at a time. */
export async function openRunner(
  config: Config,
  context: SourceContext,
  time: Time = REAL_TIME,
): Promise<Source> {
  const disposed = new AbortController()
  const bell = createBell()
  const report = createReport(context)
  const products = config.products === undefined ? [undefined] : await readProducts(config.products)
  const pause = await openPause(context)
  if (pause.leftMs > 0) report.waiting(pause.leftMs)

  const now = steady(context.clock)
  const requests = createRequests(config)
  const client = createClient(config, requests.secrets, context.clock)
  const parts: SlotParts = {
    config,
    requests,
    client,
    download: createDownload(config, requests, client, context),
    budget: openBudget(config.budget, context, now),
    report,
    now,
    random: time.random,
    insist,
    disposed: disposed.signal,
    wake: bell.ring,
  }
  const slots = await openSlots(products, context, parts)
  if (config.notify) addNotifications(config.notify, config.download.links, slots, context, disposed.signal)
  /** Until then the provider is left alone, whoever is next. */
  let notBefore = now() + pause.leftMs
  /** How often in a row the provider itself failed, whatever it was asked. */
  let failures = 0
  /** Until then no job is begun. Jobs that go on answer meanwhile, which says nothing about that. */
  let beginAt = 0
  /** How often in a row the provider would begin none, for whomever. */
  let refusals = 0

  /** Sleeps until then, or until there may be something to do sooner. */
  async function rest(moment: number, stop: AbortSignal): Promise<void> {
    const woken = new AbortController()
    const either = AbortSignal.any([stop, woken.signal])
    const ms = Math.min(moment - now(), LONGEST_SLEEP_MS)
    await Promise.race([time.sleep(ms, either), bell.wait(either)]).finally(() => woken.abort())
  }

  async function take(slot: Slot, stop: AbortSignal): Promise<Batch<Received> | undefined> {
    const isBeginning = slot.isIdle
    slots.takeTurn(slot)
    const { batch, trouble } = await slot.turn(stop)
    if (isBeginning) refusals = trouble?.isShared === true ? refusals + 1 : 0
    if (trouble === undefined) {
      if (!isBeginning) failures = 0
      report.answers(slot.subject)
      return batch
    }
    const { isShared, retryAfterMs = 0 } = trouble
    if (!isBeginning) failures = isShared ? failures + 1 : 0
    const ownMs = patienceFor(trouble, slot.failures, config.progress.everyMs, time.random)
    const sharedMs = isShared ? backOff(isBeginning ? refusals : failures, time.random) : 0
    const allMs = Math.max(retryAfterMs, sharedMs)
    const at = now()
    slot.wait(at + ownMs)
    notBefore = at + (isBeginning ? retryAfterMs : allMs)
    if (isBeginning) beginAt = at + allMs
    if (retryAfterMs > 0) await insist(() => pause.begin(retryAfterMs), stop)
    report.trouble(slot.subject, trouble, Math.max(ownMs, allMs))
    return batch
  }

  /** The registry may be away for a while; nothing is asked meanwhile. */
  async function insist<T>(work: () => Promise<T>, stop: AbortSignal): Promise<T> {
    const onFailure = (error: TransientError): void => report.unsaved(error)
    const done = await retry(work, stop, { baseMs: 50, maxMs: 30_000, onFailure })
    report.saved()
    return done
  }

  return {
    async *read({ signal }) {
      const stop = AbortSignal.any([signal, disposed.signal])
      try {
        while (!stop.aborted) {
          const next = slots.next(beginAt)
          const moment = Math.max(next?.readyAt ?? Infinity, notBefore)
          if (next === undefined || moment > now()) {
            await rest(moment, stop)
            continue
          }
          const batch = await take(next.slot, stop)
          if (stop.aborted) return
          if (batch) yield batch
        }
      } catch (error) {
        if (!stop.aborted) throw error
      }
    },
    async [Symbol.asyncDispose]() {
      if (disposed.signal.aborted) return
      disposed.abort()
      await client.destroy()
    },
  }
}
