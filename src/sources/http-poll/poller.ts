import { hash } from 'node:crypto'
import type { Batch } from '../../batch.ts'
import { createBell } from '../../lib/bell.ts'
import { isSecretParameter } from '../../lib/redact.ts'
import type { Received } from '../../review/received.ts'
import { claimCheckpoint } from '../checkpoint.ts'
import { type Client, createClient } from '../http/client.ts'
import { HOSTS, type Hosts } from '../http/hosts.ts'
import { patienceFor, REAL_TIME, sleepUntil, steady, type Time } from '../http/pace.ts'
import { LOADING, nextRequest } from '../http/next-request.ts'
import { createSecrets } from '../http/secrets.ts'
import { openThrottle } from '../http/throttle.ts'
import type { NextRequest } from '../leases/book.ts'
import { type Hold, openLeases } from '../leases/leases.ts'
import type { Source, SourceContext } from '../source.ts'
import type { Budget } from './budget.ts'
import { partOf, state } from './checkpoint.ts'
import type { Config } from './config.ts'
import type { Crawl, CrawlParts, Made } from './crawl.ts'
import { openProducts } from '../http/products.ts'
import { createReport } from './report.ts'
import { createPlanning } from './planning.ts'
import { pollingOf } from './polling.ts'
import { openShare, type Share } from './share.ts'

/** A wait that a provider asks for after a page is told from then on. */
const LONG_WAIT_MS = 5 * 60_000

/** What came of one turn of a crawl. */
interface Asked {
  readonly crawl: Crawl
  readonly hold: Hold
  readonly batch: Batch<Received> | undefined
}

/**
 * Asks a provider for pages, one at a time of each product; where there are several products, they take turns. Processes that
 * poll under the same source share its products.
 */
export async function openPoller(
  config: Config,
  context: SourceContext,
  time: Time = REAL_TIME,
  hosts: Hosts = HOSTS,
): Promise<Source> {
  const { name, registry, clock, logger, permit, signal: opening } = context
  const { everyMs, concurrency } = config
  await using opened = new AsyncDisposableStack()
  const disposed = new AbortController()
  const report = createReport(context)
  const { insist } = report
  const now = steady(clock)
  const startedAt = now()
  const secrets = createSecrets(config)
  const { host } = new URL(config.url)
  const throttle = opened.use(
    await openThrottle({ name, host, limits: config, registry, permit, hosts, time, now, insist }),
  )
  report.opened(throttle, now())
  const client = createClient(config, secrets, clock, throttle)
  opened.defer(() => client.destroy())
  const list =
    config.products &&
    (await openProducts(config.products, {
      fetch: (url, signal) => listAt(url, signal),
      onTrouble: report.products,
      signal: opening,
    }))
  let open: Share | undefined
  const leases = opened.use(
    await openLeases({
      registry,
      source: name,
      parts: (list?.products ?? [undefined]).map(partOf),
      leaseMs: config.leaseMs,
      next,
      clock,
      logger,
      onTrouble: report.unshared,
      signal: opening,
    }),
  )
  const planning =
    config.budget &&
    createPlanning({
      allowances: config.budget,
      config,
      context,
      isFull: (config.coverage ?? context.provider.coverage) === 'full',
      share: () => open,
      now,
      time,
    })
  if (planning) opened.use(planning.budget)
  const made: Made = { calls: 0, fresh: 0 }
  const parts: CrawlParts = {
    config,
    secrets,
    client: planning ? paying(client, planning.budget) : client,
    context,
    asked: fingerprint(config),
    now,
    insist,
    disposed: disposed.signal,
    made,
    longestMs: planning === undefined ? everyMs : config.stalestMs,
    plan: (reached) => planning?.plan(reached) ?? { dueAt: reached.startedAt + everyMs },
    openCheckpoint: (product, fence, signal) =>
      claimCheckpoint(context, { part: partOf(product), state, fence, signal }),
  }
  /** Each request is one of the budget. */
  function paying(free: Client, budget: Budget): Client {
    return {
      ...free,
      async ask(request, signal) {
        await insist(() => budget.take(signal), signal)
        return free.ask(request, signal)
      },
    }
  }

  function next(): NextRequest | undefined {
    if (open === undefined) return LOADING
    const dueAt = open.isBusy ? now() : open.nextAt
    const budgetUntil = now() + (planning?.budget.waitMs ?? 0)
    return nextRequest({ dueAt, providerUntil: throttle.opensAt, budgetUntil }, now())
  }

  const bell = createBell()
  const share = await openShare({ list, leases, parts, context, bell, urgencyOf: planning?.urgencyOf })
  open = share
  const resources = opened.move()

  /** The credentials of the config are for the host that is polled. */
  async function listAt(url: string, signal: AbortSignal): Promise<Buffer> {
    const headers = new URL(url).origin === new URL(config.url).origin ? config.headers : {}
    const ask = { url: new URL(url), from: secrets.scrub(url), method: 'GET', headers } as const
    return (await client.ask(ask, signal)).body
  }

  async function ask(crawl: Crawl, hold: Hold, stop: AbortSignal): Promise<Asked> {
    const { batch, trouble } = await crawl.turn(hold.fence, stop)
    await (trouble?.isOfProvider ? throttle.failed(trouble, stop) : throttle.succeeded(stop))
    const at = now()
    const leftAloneMs = Math.max(0, throttle.opensAt - at)
    if (trouble === undefined) {
      report.well(crawl.product)
      if (leftAloneMs >= LONG_WAIT_MS) report.waiting('the provider asked to wait', leftAloneMs)
    } else {
      const ownMs = patienceFor(trouble, crawl.failures, everyMs, time.random)
      crawl.wait(at + ownMs)
      report.trouble(crawl.product, trouble, Math.max(ownMs, leftAloneMs), throttle.isBroken)
    }
    return { crawl, hold, batch }
  }

  /** Asks for what is ready, as much at once as may be, until something has come. */
  async function nextOf(underWay: Map<Crawl, Promise<Asked>>, stop: AbortSignal): Promise<Asked> {
    while (true) {
      const most = permit?.isPaused === true ? 0 : throttle.isBroken ? 1 : concurrency
      share.hurry(permit?.pollAt ?? 0)
      while (underWay.size < most && throttle.opensAt <= now()) {
        const taken = share.take(now())
        if (taken === undefined) break
        underWay.set(taken.crawl, ask(taken.crawl, taken.hold, stop))
      }
      const awake = new AbortController()
      const signal = AbortSignal.any([stop, awake.signal])
      const opensAt = (): number => Math.max(throttle.opensAt, share.nextAt)
      const waits = underWay.size < most ? [sleepUntil(opensAt, now, time, signal), bell.wait(signal)] : []
      if (permit) waits.push(permit.changed(signal))
      const asked = await Promise.race([...underWay.values(), ...waits]).finally(() => awake.abort())
      stop.throwIfAborted()
      if (asked === undefined) continue
      underWay.delete(asked.crawl)
      return asked
    }
  }

  return {
    async *read({ signal }) {
      const ended = new AbortController()
      const stop = AbortSignal.any([signal, disposed.signal, ended.signal])
      const underWay = new Map<Crawl, Promise<Asked>>()
      let failure: { readonly error: unknown } | undefined
      const following = share.follow(stop).catch((error: unknown) => {
        if (stop.aborted) return
        failure = { error }
        ended.abort()
      })
      try {
        while (!stop.aborted) {
          const { crawl, hold, batch } = await nextOf(underWay, stop)
          if (batch) yield batch
          hold[Symbol.dispose]()
          share.putBack(crawl, now())
        }
      } catch (error) {
        if (!stop.aborted) throw error
      } finally {
        ended.abort()
        await Promise.allSettled([following, ...underWay.values()])
      }
      if (failure) throw failure.error
    },
    polling: () => pollingOf({ crawls: share.crawls, products: share.products, made, startedAt, now: now() }),
    async [Symbol.asyncDispose]() {
      if (disposed.signal.aborted) return
      disposed.abort()
      await resources.disposeAsync()
    },
  }
}

/** Of what is asked with another fingerprint, a place in the middle means nothing. Keys may be replaced. */
function fingerprint({ url, method, params, body, paging }: Config): string {
  const { origin, pathname, searchParams } = new URL(url)
  const asked = [...searchParams, ...Object.entries(params)].filter(([name]) => !isSecretParameter(name))
  return hash('sha256', JSON.stringify([origin, pathname, method, asked, body, paging]), 'hex').slice(0, 16)
}
