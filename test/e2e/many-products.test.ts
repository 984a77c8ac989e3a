import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { cpuMicrosOf, ownBytesOf } from '../../bench/process.ts'
import type { Facts } from '../../src/sources/http-poll/facts.ts'
import type { State } from '../../src/sources/http-job/state.ts'
import embedded from '../../src/stores/embedded/index.ts'
import { metricsOf, startUp } from '../support/pipeline.ts'
import { type Asked, openProvider, type Provider } from '../support/provider.ts'
import { silent } from '../support/queue-context.ts'
import { temporaryFolder } from '../support/temp.ts'

const PRODUCTS = 100_000
const DAY = 86_400_000
const MOST_HEAP_BYTES = 300e6
/** Of a core, which other work makes it wait for and hardly makes it use more of. */
const MOST_CPU_SECONDS = 10

const products = Array.from({ length: PRODUCTS }, (_, n) => `B${String(n).padStart(9, '0')}`)

/** Writes what an earlier process saved under these names. */
async function save(
  dataDir: string,
  entries: readonly (readonly [name: string, value: object])[],
): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  const context = { dataDir, logger: silent, signal: new AbortController().signal }
  await using registry = await embedded.openRegistry(embedded.config.parse({}), context)
  await Promise.all(
    entries.map(([name, value]) => registry.compareAndSet(name, 0, Buffer.from(JSON.stringify(value)))),
  )
}

/** What an earlier process learnt of a product that it polled. */
function polled(product: string, n: number): [string, object] {
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
  const seen = Buffer.alloc(80, 1).toString('base64')
  const place = { page: 1 }
  const begun = { asked: '0123456789abcdef', place, last: null, startedAt: polledAt, dueAt: 0 }
  return [`checkpoint/shop/${product}`, { $fence: 1, state: { ...facts, ...begun, seen } }]
}

/** What an earlier process saved of a product: ten of its jobs were read, and the next one is due. */
function readJobs(product: string, n: number): [string, object] {
  const earlier = Array.from({ length: 10 }, (_, at) => `job-${at}-of-${product}`)
  const startedAt = Date.now() - DAY - n
  const state: State = { phase: 'idle', dueAt: startedAt + DAY, startedAt, failures: 0, earlier }
  return [`job/shop/of/${product}`, { $fence: 1, state }]
}

/** A folder with a source of them all, which says the rest. */
async function openFolder(source: string) {
  const folder = await temporaryFolder()
  await writeFile(join(folder.path, 'products.txt'), products.join('\n'))
  await writeFile(
    join(folder.path, 'headwater.yaml'),
    `
sources:
  - name: shop
    products: { file: products.txt }
${source}
queue: { type: embedded }
store: { type: embedded }
http: { listen: "127.0.0.1:0" }
admin: { listen: "127.0.0.1:0" }
`,
  )
  return folder
}

/** Starts it, waits until it asks and was looked at, and says what that took. */
async function measure(
  t: TestContext,
  folder: string,
  { asked }: Provider,
  sign = /^headwater_/m,
): Promise<void> {
  const begun = performance.now()
  const { process, admin } = await startUp(folder, 'ingest')
  await using _ = process
  const readyMs = performance.now() - begun
  const cpuSeconds = cpuMicrosOf(process.pid) / 1e6
  const before = asked.length
  let [heap, own] = [0, 0]
  for (let n = 0; n < 8 || asked.length < before + 60; n++) {
    const metrics = await metricsOf(admin)
    assert.match(metrics, sign)
    heap = Math.max(heap, Number(/^nodejs_heap_size_total_bytes (\d+)/m.exec(metrics)?.[1]))
    own = Math.max(own, ownBytesOf(process.pid))
  }
  const [heapMb, ownMb] = [heap, own].map((bytes) => Math.round(bytes / 1e6))
  t.diagnostic(
    `ready after ${Math.round(readyMs)} ms, ${cpuSeconds.toFixed(1)} s of a core; a heap of ${heapMb} MB, with all else ${ownMb} MB`,
  )
  assert.ok(cpuSeconds < MOST_CPU_SECONDS, `ready after ${cpuSeconds} s of a core`)
  assert.ok(heap < MOST_HEAP_BYTES, `a heap of ${heap} bytes`)
  const { code, stderr } = await process.stop()
  assert.equal(code, 0, stderr)
}

/** Answers, and takes its time. */
const openSlowProvider = (body: (asked: Asked, n: number) => unknown): Promise<Provider> =>
  openProvider(async (...asked) => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return { body: body(...asked) }
  })

test('100,000 products start in seconds and take little memory, the first time and once all of them are known', async (t) => {
  await using provider = await openSlowProvider(() => [])
  const source = `
    type: http-poll
    url: "${provider.url}/{product}"
    every: 1h
    concurrency: 4
    budget: { calls: 1000000, per: day }
`
  const areHeld = /^headwater_source_products_held\{source="shop"\} 100000$/m
  await using folder = await openFolder(source)
  await measure(t, folder.path, provider, areHeld)

  await using known = await openFolder(source)
  await save(join(known.path, 'data'), products.map(polled))
  await measure(t, known.path, provider, areHeld)
})

test('100,000 products with a job for each start in seconds and take little memory, also once all of them had jobs', async (t) => {
  await using provider = await openSlowProvider(({ path }, n) => (path === '/jobs' ? { id: n } : []))
  const source = `
    type: http-job
    trigger: { url: "${provider.url}/jobs", params: { asin: "{product}" }, job: /id }
    progress: { every: 1s }
    download: { url: "${provider.url}/{job}" }
    jobs_at_once: 100
`
  await using folder = await openFolder(source)
  await measure(t, folder.path, provider)

  await using known = await openFolder(source)
  await save(join(known.path, 'data'), products.map(readJobs))
  await measure(t, known.path, provider)
})
