import { hash } from 'node:crypto'
import type { Batch } from '../../batch.ts'
import type { Received } from '../../review/received.ts'
import type { Entry } from '../../stores/registry.ts'
import type { Source, SourceContext } from '../source.ts'
import { openCheckpoint } from './checkpoint.ts'
import { createClient } from './client.ts'
import type { Config } from './config.ts'
import { type Crawl, createCrawl } from './crawl.ts'
import { backOff, patienceFor, REAL_TIME, type Time } from './pace.ts'
import { readProducts } from './products.ts'
import { createReport } from './report.ts'
import { createSecrets } from './secrets.ts'
import { createTarget } from './target.ts'

/** No timer is set for longer; a clock that was put right is noticed so soon. */
const LONGEST_SLEEP_MS = 60_000

/** Asks a provider for pages, one request at a time; where there are several products, they take turns. */
export async function openPoller(
  config: Config,
  context: SourceContext,
  time: Time = REAL_TIME,
): Promise<Source> {
  const { name, registry, clock, logger } = context
  const { everyMs } = config
  const disposed = new AbortController()
  const report = createReport(name, logger)
  const products = config.products === undefined ? [undefined] : await readProducts(config.products)
  const prefix = `checkpoint/${name}/`
  const saved = new Map<string, Entry>()
  for await (const entry of registry.list(prefix)) saved.set(entry.name, entry)

  const client = createClient(config, createSecrets(config), clock)
  const asked = fingerprint(config)
  let notBefore = 0
  const crawls = products.map((product) => {
    const checkpointName = prefix + (product ?? '-')
    const options = { name: checkpointName, found: saved.get(checkpointName), asked, everyMs }
    const checkpoint = openCheckpoint(options, context)
    notBefore = Math.max(notBefore, checkpoint.notBefore)
    const target = createTarget(config, product)
    return createCrawl({ target, checkpoint, client, everyMs, context, disposed: disposed.signal })
  })
  /** How often in a row the provider itself failed, whichever product was asked for. */
  let failures = 0

  /** Who is ready first, and of those that are, who was asked for the longest time ago. */
  function takeTurn(): Crawl {
    const now = clock()
    const soonest = (a: Crawl, b: Crawl): Crawl => (b.readyAt < a.readyAt ? b : a)
    const crawl = crawls.find(({ readyAt }) => readyAt <= now) ?? crawls.reduce(soonest)
    crawls.splice(crawls.indexOf(crawl), 1)
    crawls.push(crawl)
    return crawl
  }

  async function sleepUntil(moment: number, stop: AbortSignal): Promise<void> {
    for (let ms = moment - clock(); ms > 0; ms = moment - clock()) {
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
    failures = trouble.isShared ? failures + 1 : 0
    const now = clock()
    const waitMs = patienceFor(trouble, crawl.failures, everyMs, time.random)
    report.trouble(crawl.product, trouble, waitMs)
    crawl.wait(now + waitMs)
    if (trouble.retryAfterMs !== undefined) {
      notBefore = now + trouble.retryAfterMs
      await crawl.pause(notBefore, stop)
    } else if (trouble.isShared) notBefore = now + backOff(failures, time.random)
    return batch
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

/** Of what is asked with another fingerprint, a place in the middle means nothing. */
function fingerprint({ url, method, paging }: Config): string {
  const { origin, pathname } = new URL(url)
  return hash('sha256', JSON.stringify([origin, pathname, method, paging]), 'hex').slice(0, 16)
}
