import { hash } from 'node:crypto'
import type { Batch } from '../../batch.ts'
import type { TransientError } from '../../errors.ts'
import { isSecretParameter } from '../../lib/redact.ts'
import { retry } from '../../lib/retry.ts'
import type { Received } from '../../review/received.ts'
import type { Entry } from '../../stores/registry.ts'
import type { Source, SourceContext } from '../source.ts'
import { openCheckpoint } from './checkpoint.ts'
import { createClient } from '../http/client.ts'
import type { Config } from './config.ts'
import { type Crawl, type CrawlParts, createCrawl } from './crawl.ts'
import { HOSTS, type Hosts } from '../http/hosts.ts'
import { patienceFor, REAL_TIME, sleepUntil, steady, type Time } from '../http/pace.ts'
import { readProducts } from './products.ts'
import { createReport } from './report.ts'
import { createSecrets } from '../http/secrets.ts'
import { openThrottle } from '../http/throttle.ts'

/** A wait that a provider asks for after a page is told from then on. */
const LONG_WAIT_MS = 5 * 60_000

/** What came of one turn of a crawl. */
interface Asked {
  readonly crawl: Crawl
  readonly batch: Batch<Received> | undefined
}

/** Asks a provider for pages, one at a time of each product; where there are several products, they take turns. */
export async function openPoller(
  config: Config,
  context: SourceContext,
  time: Time = REAL_TIME,
  hosts: Hosts = HOSTS,
): Promise<Source> {
  const { name, registry, clock, signal: opening } = context
  const { everyMs, concurrency } = config
  const disposed = new AbortController()
  const report = createReport(context)
  const products = config.products === undefined ? [undefined] : await readProducts(config.products)
  const prefix = `checkpoint/${name}/`
  const saved = new Map<string, Entry>()
  for await (const entry of registry.list(prefix, { signal: opening })) saved.set(entry.name, entry)

  const now = steady(clock)
  const secrets = createSecrets(config)
  const { host } = new URL(config.url)
  const throttle = await openThrottle({ name, host, limits: config, registry, hosts, time, now, insist })
  if (throttle.opensAt > now()) {
    const why = throttle.isBroken ? 'the circuit breaker is open' : 'the provider asked to wait'
    report.waiting(why, throttle.opensAt - now())
  }
  const client = createClient(config, secrets, clock, throttle)
  const parts: CrawlParts = { config, secrets, client, context, now, insist, disposed: disposed.signal }
  const asked = fingerprint(config)
  const crawls = products.map((product) => {
    const checkpointName = prefix + (product ?? '-')
    const found = saved.get(checkpointName)
    const checkpoint = openCheckpoint({ name: checkpointName, found, asked, everyMs, now: now() }, context)
    return createCrawl(product, checkpoint, parts)
  })

  /** Of those that are ready, who was asked for the longest time ago; nobody while the provider is left alone. */
  function takeTurn(): Crawl | undefined {
    const at = now()
    const index = throttle.opensAt > at ? -1 : crawls.findIndex(({ readyAt }) => readyAt <= at)
    return index === -1 ? undefined : crawls.splice(index, 1)[0]
  }

  const nextTurnAt = (): number =>
    Math.max(
      throttle.opensAt,
      crawls.reduce((soonest, { readyAt }) => Math.min(soonest, readyAt), Infinity),
    )

  async function ask(crawl: Crawl, stop: AbortSignal): Promise<Asked> {
    const { batch, trouble } = await crawl.turn(stop)
    const isProviderWell = trouble?.isShared !== true
    await (isProviderWell ? throttle.succeeded(stop) : throttle.failed(trouble, stop))
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
    return { crawl, batch }
  }

  /** Asks for what is ready, as much at once as may be, until something has come. */
  async function nextOf(underWay: Map<Crawl, Promise<Asked>>, stop: AbortSignal): Promise<Asked> {
    while (true) {
      const most = throttle.isBroken ? 1 : concurrency
      while (underWay.size < most) {
        const crawl = takeTurn()
        if (crawl === undefined) break
        underWay.set(crawl, ask(crawl, stop))
      }
      const awake = new AbortController()
      const signal = AbortSignal.any([stop, awake.signal])
      const waits = underWay.size < most ? [sleepUntil(nextTurnAt, now, time, signal)] : []
      const asked = await Promise.race([...underWay.values(), ...waits]).finally(() => awake.abort())
      if (asked === undefined) continue
      underWay.delete(asked.crawl)
      return asked
    }
  }

  /** The registry may be away for a while; nothing is asked meanwhile. */
  async function insist(save: () => Promise<void>, stop: AbortSignal): Promise<void> {
    const onFailure = (error: TransientError): void => report.unsaved(error)
    await retry(save, stop, { baseMs: 50, maxMs: 30_000, onFailure })
    report.saved()
  }

  return {
    async *read({ signal }) {
      const ended = new AbortController()
      const stop = AbortSignal.any([signal, disposed.signal, ended.signal])
      const underWay = new Map<Crawl, Promise<Asked>>()
      try {
        while (!stop.aborted) {
          const { crawl, batch } = await nextOf(underWay, stop)
          if (stop.aborted) return
          if (batch) yield batch
          crawls.push(crawl)
        }
      } catch (error) {
        if (!stop.aborted) throw error
      } finally {
        ended.abort()
        await Promise.allSettled(underWay.values())
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

/** Of what is asked with another fingerprint, a place in the middle means nothing. Keys may be replaced. */
function fingerprint({ url, method, params, body, paging }: Config): string {
  const { origin, pathname, searchParams } = new URL(url)
  const asked = [...searchParams, ...Object.entries(params)].filter(([name]) => !isSecretParameter(name))
  return hash('sha256', JSON.stringify([origin, pathname, method, asked, body, paging]), 'hex').slice(0, 16)
}
