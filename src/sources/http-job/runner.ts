import type { Batch } from '../../batch.ts'
import { createBell } from '../../lib/bell.ts'
import type { Received } from '../../review/received.ts'
import { readListed } from '../http/products.ts'
import { createClient } from '../http/client.ts'
import { HOSTS, type Hosts } from '../http/hosts.ts'
import { backOff, patienceFor, REAL_TIME, sleepUntil, steady, type Time } from '../http/pace.ts'
import { LOADING, nextRequest } from '../http/next-request.ts'
import { openThrottle } from '../http/throttle.ts'
import { isTaken } from '../checkpoint.ts'
import type { NextRequest } from '../leases/book.ts'
import { openLeases } from '../leases/leases.ts'
import type { Source, SourceContext } from '../source.ts'
import { openBudget } from './budget.ts'
import type { Config } from './config.ts'
import { createDownload, fingerprint } from './download.ts'
import { addNotifications } from './notify.ts'
import { createReport } from './report.ts'
import { createRequests } from './requests.ts'
import { openHearing } from './hearing.ts'
import { openShare, type Share, type Taken } from './share.ts'
import type { SlotParts } from './slot.ts'

/**
 * Begins jobs at a provider, waits for them and reads their results, one request at a time. Processes with the same source
 * share its products, and the jobs that the provider tells of.
 */
export async function openRunner(
  config: Config,
  context: SourceContext,
  time: Time = REAL_TIME,
  hosts: Hosts = HOSTS,
): Promise<Source> {
  const { name, registry, clock, logger, permit, signal: opening } = context
  await using opened = new AsyncDisposableStack()
  const disposed = new AbortController()
  const bell = createBell()
  const report = createReport(context)
  const { insist } = report
  const products = config.products === undefined ? [undefined] : await readListed(config.products)
  const now = steady(clock)
  const requests = createRequests(config)
  const { host } = requests
  const throttle = opened.use(
    await openThrottle({ name, host, limits: config, registry, permit, hosts, time, now, insist }),
  )
  report.opened(throttle, now())
  const client = createClient(config, requests.secrets, clock, throttle)
  opened.defer(() => client.destroy())
  const { leaseMs } = config
  const { unshared: onTrouble } = report
  let open: Share | undefined
  // Any job may be told of, and any product may have one under way that is not listed any more.
  const leases = opened.use(
    await openLeases({
      registry,
      source: name,
      parts: undefined,
      leaseMs,
      next,
      clock,
      logger,
      onTrouble,
      signal: opening,
    }),
  )
  const parts: SlotParts = {
    config,
    requests,
    client,
    download: createDownload(config, requests, client, context),
    asked: fingerprint(config.download),
    answered: new Map(),
    budget: openBudget(config.budget, context, now),
    report,
    now,
    random: time.random,
    insist,
    disposed: disposed.signal,
    wake: bell.ring,
  }
  const share = await openShare({ products, leases, parts, context })
  const hearing = await openHearing({ share, leases, parts, context })
  if (config.notify) addNotifications(config.notify, config.download.links, hearing, context, disposed.signal)
  const resources = opened.move()
  /** Until then no job is begun. Jobs that go on answer meanwhile, which says nothing about that. */
  let beginAt = 0
  /** How often in a row the provider would begin none, for whomever. */
  let refusals = 0
  let isBusy = false
  open = share

  /** A budget that is spent keeps jobs from beginning, not from going on. */
  function next(): NextRequest | undefined {
    if (open === undefined) return LOADING
    const at = now()
    const { spentUntil } = parts.budget
    const dueAt = isBusy ? at : open.plannedAt(Math.max(beginAt, spentUntil))
    const budgetUntil = dueAt < spentUntil ? 0 : spentUntil
    return nextRequest({ dueAt, providerUntil: throttle.opensAt, budgetUntil }, at)
  }

  /** Sleeps until then, or until there may be something to do sooner. */
  async function rest(moment: number, stop: AbortSignal): Promise<void> {
    const woken = new AbortController()
    const either = AbortSignal.any([stop, woken.signal])
    const sleeping = sleepUntil(() => Math.max(moment, throttle.opensAt), now, time, either)
    await Promise.race([sleeping, bell.wait(either)]).finally(() => woken.abort())
  }

  async function act({ seat, hold }: Taken, stop: AbortSignal): Promise<Batch<Received> | undefined> {
    const { subject } = seat
    const slot = await insist(() => share.load(seat, hold.fence), stop)
    // Another process may have had it meanwhile.
    if (slot.readyAt > now()) return undefined
    const isBeginning = slot.isIdle
    const { batch, trouble } = await slot.turn(stop)
    const isProviderWell = trouble?.isOfProvider !== true
    await (isProviderWell ? throttle.succeeded(stop) : throttle.failed(trouble, stop))
    if (isBeginning) refusals = isProviderWell ? 0 : refusals + 1
    if (trouble === undefined) {
      report.answers(subject)
      return batch
    }
    const at = now()
    const ownMs = patienceFor(trouble, seat.failures, config.progress.everyMs, time.random)
    seat.waitUntil = at + ownMs
    if (isBeginning && !isProviderWell) beginAt = at + backOff(refusals, time.random)
    const waitMs = Math.max(ownMs, throttle.opensAt - at)
    report.trouble(subject, trouble, waitMs, throttle.isBroken)
    return batch
  }

  async function actIfMine(taken: Taken, stop: AbortSignal): Promise<Batch<Received> | undefined> {
    try {
      return await act(taken, stop)
    } catch (error) {
      if (!isTaken(error)) throw error
      // Somebody else has it by now, and goes on from what is saved.
      logger.debug({ source: name, ...taken.seat.subject }, 'another process has the job')
      share.reload(taken.seat)
      return undefined
    }
  }

  return {
    async *read({ signal }) {
      const ended = new AbortController()
      const stop = AbortSignal.any([signal, disposed.signal, ended.signal])
      let failure: { readonly error: unknown } | undefined
      const following = Promise.all([share.follow(stop), hearing.follow(stop)]).catch((error: unknown) => {
        if (stop.aborted) return
        failure = { error }
        ended.abort()
      })
      try {
        while (!stop.aborted) {
          const taken = throttle.opensAt <= now() ? share.take(now(), beginAt) : undefined
          if (taken === undefined) {
            await rest(share.nextAt(beginAt), stop)
            continue
          }
          using _ = taken.hold
          isBusy = true
          const batch = await actIfMine(taken, stop)
          if (stop.aborted) break
          if (batch) yield batch
          isBusy = false
        }
      } catch (error) {
        if (!stop.aborted) throw error
      } finally {
        ended.abort()
        await following
      }
      if (failure) throw failure.error
    },
    async [Symbol.asyncDispose]() {
      if (disposed.signal.aborted) return
      disposed.abort()
      await resources.disposeAsync()
    },
  }
}
