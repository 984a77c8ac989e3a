import type { Batch } from '../../batch.ts'
import { createBell } from '../../lib/bell.ts'
import type { Received } from '../../review/received.ts'
import { readListed } from '../http/products.ts'
import { createClient } from '../http/client.ts'
import { HOSTS, type Hosts } from '../http/hosts.ts'
import { backOff, patienceFor, REAL_TIME, sleepUntil, steady, type Time } from '../http/pace.ts'
import { openThrottle } from '../http/throttle.ts'
import type { Source, SourceContext } from '../source.ts'
import { openBudget } from './budget.ts'
import type { Config } from './config.ts'
import { createDownload, fingerprint } from './download.ts'
import { addNotifications } from './notify.ts'
import { createReport } from './report.ts'
import { createRequests } from './requests.ts'
import type { Slot, SlotParts } from './slot.ts'
import { openSlots } from './slots.ts'

/** Begins jobs at a provider, waits for them and reads their results, one request at a time. */
export async function openRunner(
  config: Config,
  context: SourceContext,
  time: Time = REAL_TIME,
  hosts: Hosts = HOSTS,
): Promise<Source> {
  const { name, registry, clock, permit } = context
  const disposed = new AbortController()
  const bell = createBell()
  const report = createReport(context)
  const { insist } = report
  const products = config.products === undefined ? [undefined] : await readListed(config.products)
  const now = steady(clock)
  const requests = createRequests(config)
  const { host } = requests
  const throttle = await openThrottle({
    name,
    host,
    limits: config,
    registry,
    permit,
    hosts,
    time,
    now,
    insist,
  })
  report.opened(throttle, now())
  const client = createClient(config, requests.secrets, clock, throttle)
  const parts: SlotParts = {
    config,
    requests,
    client,
    download: createDownload(config, requests, client, context),
    asked: fingerprint(config.download),
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
  /** Until then no job is begun. Jobs that go on answer meanwhile, which says nothing about that. */
  let beginAt = 0
  /** How often in a row the provider would begin none, for whomever. */
  let refusals = 0

  /** Sleeps until then, or until there may be something to do sooner. */
  async function rest(moment: number, stop: AbortSignal): Promise<void> {
    const woken = new AbortController()
    const either = AbortSignal.any([stop, woken.signal])
    const sleeping = sleepUntil(() => Math.max(moment, throttle.opensAt), now, time, either)
    await Promise.race([sleeping, bell.wait(either)]).finally(() => woken.abort())
  }

  async function take(slot: Slot, stop: AbortSignal): Promise<Batch<Received> | undefined> {
    const isBeginning = slot.isIdle
    slots.takeTurn(slot)
    const { batch, trouble } = await slot.turn(stop)
    const isProviderWell = trouble?.isOfProvider !== true
    await (isProviderWell ? throttle.succeeded(stop) : throttle.failed(trouble, stop))
    if (isBeginning) refusals = isProviderWell ? 0 : refusals + 1
    if (trouble === undefined) {
      report.answers(slot.subject)
      return batch
    }
    const at = now()
    const ownMs = patienceFor(trouble, slot.failures, config.progress.everyMs, time.random)
    slot.wait(at + ownMs)
    if (isBeginning && !isProviderWell) beginAt = at + backOff(refusals, time.random)
    const waitMs = Math.max(ownMs, throttle.opensAt - at)
    report.trouble(slot.subject, trouble, waitMs, throttle.isBroken)
    return batch
  }

  return {
    async *read({ signal }) {
      const stop = AbortSignal.any([signal, disposed.signal])
      try {
        while (!stop.aborted) {
          const next = slots.next(beginAt)
          const moment = Math.max(next?.readyAt ?? Infinity, throttle.opensAt)
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
      throttle[Symbol.dispose]()
      await client.destroy()
    },
  }
}
