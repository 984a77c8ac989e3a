import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ownBytesOf } from '../../bench/process.ts'
import type { Facts } from '../../src/sources/http-poll/facts.ts'
import embedded from '../../src/stores/embedded/index.ts'
import { metricsOf, startUp } from '../support/pipeline.ts'
import { openProvider } from '../support/provider.ts'
import { silent } from '../support/queue-context.ts'
import { temporaryFolder } from '../support/temp.ts'

const PRODUCTS = 100_000
const DAY = 86_400_000
const MOST_HEAP_BYTES = 300e6
/** It takes less than five seconds where nothing else runs. */
const MOST_MS = 30_000

const products = Array.from({ length: PRODUCTS }, (_, n) => `B${String(n).padStart(9, '0')}`)

/** Writes what an earlier process learnt of every product. */
async function saveCheckpoints(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  const context = { dataDir, logger: silent, signal: new AbortController().signal }
  await using registry = await embedded.openRegistry(embedded.config.parse({}), context)
  const seen = Buffer.alloc(80, 1).toString('base64')
  await Promise.all(
    products.map((product, n) => {
      const polledAt = Date.now() - DAY - n
      const facts: Facts = {
        observed: {
          polledAt,
          fresh: n % 7,
          exposureMs: 9 * DAY + n,
          calls: 1 + (n % 3),
          shown: 10,
          doubt: 0,
        },
        told: n % 900,
        fetched: 10,
        polledAt,
        found: { at: polledAt, afterMs: DAY + n },
      }
      const place = { page: 1 }
      const state = {
        ...facts,
        asked: '0123456789abcdef',
        place,
        last: null,
        startedAt: polledAt,
        dueAt: 0,
        seen,
      }
      const value = Buffer.from(JSON.stringify({ $fence: 1, state }))
      return registry.compareAndSet(`checkpoint/shop/${product}`, 0, value)
    }),
  )
}

/** A folder that polls them all, at a provider that takes its time. */
async function openFolder(url: string) {
  const folder = await temporaryFolder()
  await writeFile(join(folder.path, 'products.txt'), products.join('\n'))
  await writeFile(
    join(folder.path, 'headwater.yaml'),
    `
sources:
  - name: shop
    type: http-poll
    url: "${url}/{product}"
    products: { file: products.txt }
    every: 1h
    concurrency: 4
    budget: { calls: 1000000, per: day }
queue: { type: embedded }
store: { type: embedded }
http: { listen: "127.0.0.1:0" }
admin: { listen: "127.0.0.1:0" }
`,
  )
  return folder
}

/** Starts it, waits until it polls and was looked at, and says what that took. */
async function measure(t: TestContext, folder: string, polls: () => number): Promise<void> {
  const begun = performance.now()
  const { process, admin } = await startUp(folder, 'ingest')
  await using _ = process
  const readyMs = performance.now() - begun
  const before = polls()
  let [heap, own] = [0, 0]
  for (let n = 0; n < 8 || polls() < before + 60; n++) {
    const metrics = await metricsOf(admin)
    assert.match(metrics, /^headwater_source_products_held\{source="shop"\} 100000$/m)
    heap = Math.max(heap, Number(/^nodejs_heap_size_total_bytes (\d+)/m.exec(metrics)?.[1]))
    own = Math.max(own, ownBytesOf(process.pid))
  }
  const [heapMb, ownMb] = [heap, own].map((bytes) => Math.round(bytes / 1e6))
  t.diagnostic(`ready after ${Math.round(readyMs)} ms; a heap of ${heapMb} MB, with all else ${ownMb} MB`)
  assert.ok(readyMs < MOST_MS, `ready after ${readyMs} ms`)
  assert.ok(heap < MOST_HEAP_BYTES, `a heap of ${heap} bytes`)
  const { code, stderr } = await process.stop()
  assert.equal(code, 0, stderr)
}

test('100,000 products start in seconds and take little memory, the first time and once all of them are known', async (t) => {
  await using provider = await openProvider(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return { body: [] }
  })
  await using folder = await openFolder(provider.url)
  await measure(t, folder.path, () => provider.asked.length)

  await using known = await openFolder(provider.url)
  await saveCheckpoints(join(known.path, 'data'))
  await measure(t, known.path, () => provider.asked.length)
})
