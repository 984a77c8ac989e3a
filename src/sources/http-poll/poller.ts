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
import { backOff, patienceFor, REAL_TIME, steady, type Time } from '../http/pace.ts'
import { openPause } from '../http/pause.ts'
import { readProducts } from './products.ts'
import { createReport } from './report.ts'
import { createSecrets } from '../http/secrets.ts'

/** No timer is set for longer; a clock that was put right is noticed so soon. */
const LONGEST_SLEEP_MS = 60_000

/** Asks a provider for pages, one request at a time; where there are several products, they take turns. */
export async function openPoller(
  config: Config,
  context: SourceContext,
  time: Time = REAL_TIME,
): Promise<Source> {
  const { name, registry, clock, signal: opening } = context
  const { everyMs } = config
  const disposed = new AbortController()
  const report = createReport(context)
  const products = config.products === undefined ? [undefined] : await readProducts(config.products)
  const pause = await openPause(context)
  if (pause.leftMs > 0) report.waiting(pause.leftMs)
  const prefix = `checkpoint/${name}/`
  const saved = new Map<string, Entry>()
  for await (const entry of registry.list(prefix, { signal: opening })) saved.set(entry.name, entry)

  const now = steady(clock)
  const secrets = createSecrets(config)
  const client = createClient(config, secrets, clock)
  const parts: CrawlParts = { config, secrets, client, context, now, insist, disposed: disposed.signal }
  const asked = fingerprint(config)
  const crawls = products.map((product) => {
    const checkpointName = prefix + (product ?? '-')
    const found = saved.get(checkpointName)
    const checkpoint = openCheckpoint({ name: checkpointName, found, asked, everyMs, now: now() }, context)
    return createCrawl(product, checkpoint, parts)
  })
  /** Until then the provider is left alone, whichever product is next. */
  let notBefore = now() + pause.leftMs
  /** How often in a row the provider itself failed, whichever product was asked for. */
  let failures = 0

  /** Who is ready first, and of those that are, who was asked for the longest time ago. */
  function takeTurn(): Crawl {
    const at = now()
    const soonest = (a: Crawl, b: Crawl): Crawl => (b.readyAt < a.readyAt ? b : a)
    const crawl = crawls.find(({ readyAt }) => readyAt <= at) ?? crawls.reduce(soonest)
    crawls.splice(crawls.indexOf(crawl), 1)
    crawls.push(crawl)
    return crawl
  }

  async function sleepUntil(moment: number, stop: AbortSignal): Promise<void> {
    for (let ms = moment - now(); ms > 0; ms = moment - now()) {
      await time.sleep(Math.min(ms, LONGEST_SLEEP_MS), stop)
    }
  }

  async function ask(crawl: Crawl, stop: AbortSignal): Promise<Batch<Received> | undefined> {
    const { batch, trouble } = await crawl.turn(stop)
    if (trouble === undefined) {
      failures = 0
      report.well(crawl.product)
      return batch
    }
    const { isShared, retryAfterMs = 0 } = trouble
    failures = isShared ? failures + 1 : 0
    const ownMs = patienceFor(trouble, crawl.failures, everyMs, time.random)
    const allMs = Math.max(retryAfterMs, isShared ? backOff(failures, time.random) : 0)
    const at = now()
    crawl.wait(at + ownMs)
    notBefore = at + allMs
    if (retryAfterMs > 0) await insist(() => pause.begin(retryAfterMs), stop)
    report.trouble(crawl.product, trouble, Math.max(ownMs, allMs))
    return batch
  }

  /** The registry may be away for a while; nothing is asked meanwhile. */
  async function insist(save: () => Promise<void>, stop: AbortSignal): Promise<void> {
    const onFailure = (error: TransientError): void => report.unsaved(error)
    await retry(save, stop, { baseMs: 50, maxMs: 30_000, onFailure })
    report.saved()
  }

  return {
    async *read({ signal }) {
      const stop = AbortSignal.any([signal, disposed.signal])
      try {
        while (!stop.aborted) {
          const crawl = takeTurn()
          await sleepUntil(Math.max(crawl.readyAt, notBefore), stop)
          const batch = await ask(crawl, stop)
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

/** Of what is asked with another fingerprint, a place in the middle means nothing. Keys may be replaced. */
function fingerprint({ url, method, params, body, paging }: Config): string {
  const { origin, pathname, searchParams } = new URL(url)
  const asked = [...searchParams, ...Object.entries(params)].filter(([name]) => !isSecretParameter(name))
  return hash('sha256', JSON.stringify([origin, pathname, method, asked, body, paging]), 'hex').slice(0, 16)
}
