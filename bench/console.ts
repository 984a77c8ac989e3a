import { arrivalOf } from '../src/arrival.ts'
import { load } from '../src/config/load.ts'
import { openStore } from '../src/app.ts'
import { openPipeline } from '../src/pipeline.ts'
import { loadPreset } from '../src/presets/index.ts'
import { compileRules } from '../src/presets/rules.ts'
import { judge } from '../src/review/interpret.ts'
import type { Arrival } from '../src/review/record.ts'
import { silent } from '../test/support/queue-context.ts'
import { temporaryFolder } from '../test/support/temp.ts'
import { type Question, type Row } from './question.ts'
import { reviewAt } from './reviews.ts'

const ASKED = 100
const BATCH = 5_000
/** Of so many records one is a dead letter, besides those that the invented reviews have. */
const LETTER_EVERY = 20
const APART_MS = 2_000
const PATIENCE_MS = 60_000

/** What a person waits for who looks at the console. */
export const consoleViews: Question = {
  name: 'console',
  asks: "How long does the data of each view of the console take, over a store of so many records, of which one in ten is a dead letter? Aimed at: 150 ms for 95 % of a million's.",
  async ask({ count }) {
    return [...(await ask(count)), ...(await ask(10 * count))]
  },
}

async function ask(count: number): Promise<readonly Row[]> {
  await using folder = await temporaryFolder()
  const config = await load({ env: {}, folder: folder.path, args: { data: folder.path } })
  const env = {
    config: { ...config, admin: { listen: { host: '127.0.0.1', port: 0 } } },
    logger: silent,
    signal: new AbortController().signal,
  }
  await fill(env, count)
  await using pipeline = await openPipeline(env, {
    ingestion: false,
    storage: false,
    listen: true,
    remember: false,
    clock: Date.now,
  })
  return await views(pipeline.addresses.admin ?? '', count)
}

async function views(admin: string, count: number): Promise<readonly Row[]> {
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(admin + path, { signal: AbortSignal.timeout(PATIENCE_MS) })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
  const { records } = await get<{ records: { key: string; reviewId?: string; product: string }[] }>(
    '/api/reviews?status=accepted&limit=200',
  )
  const at = <T>(list: readonly T[], n: number): T => list[n % list.length] as T
  const clusters = await get<{ cluster: string }[]>('/api/clusters')
  const { after } = await get<{ after?: string }>('/api/reviews?limit=200')
  const asked: Readonly<Record<string, (n: number) => string>> = {
    now: () => '/api/now',
    sources: () => '/api/sources',
    'reviews: newest': () => '/api/reviews',
    'reviews: the page behind': () => `/api/reviews?after=${after}`,
    'reviews: of a day': (n) => `/api/reviews?to=${(n % 20) + 1}h`,
    'reviews: of a product': (n) => `/api/reviews?product=${at(records, n).product}`,
    'reviews: of an id': (n) => `/api/reviews?review=${at(records, n).reviewId}`,
    'reviews: dead letters': () => '/api/reviews?status=rejected',
    'reviews: a filter that finds nothing': () => '/api/reviews?source=nobody',
    'one review': (n) => `/api/reviews/${at(records, n).key}`,
    'dead letters': () => '/api/clusters',
    'one cluster': (n) => `/api/clusters/${at(clusters, n).cluster}`,
    jobs: () => '/api/jobs',
    changes: () => '/api/changes',
    settings: () => '/api/settings',
  }
  const rows: Row[] = []
  for (const [of, path] of Object.entries(asked)) {
    const times: number[] = []
    for (let n = 0; n < ASKED; n++) {
      const from = performance.now()
      await get(path(n))
      times.push(performance.now() - from)
    }
    times.sort((a, b) => a - b)
    const within = (share: number): number => times[Math.ceil(share * ASKED) - 1] ?? Number.NaN
    rows.push({
      of: `${of}, ${count.toLocaleString('en-US')} records`,
      figures: { 'p50 ms': within(0.5), 'p95 ms': within(0.95) },
    })
  }
  return rows
}

async function fill(env: Parameters<typeof openStore>[0], count: number): Promise<void> {
  await using store = await openStore(env)
  const rules = compileRules(await loadPreset('canonical'))
  const first = Date.now() - count * APART_MS
  for (let n = 0; n < count; n += BATCH) {
    const size = Math.min(BATCH, count - n)
    await store.put(Array.from({ length: size }, (_, m) => arrivalAt(n + m, first, rules)))
  }
}

function arrivalAt(n: number, first: number, rules: Parameters<typeof judge>[1]): Arrival {
  const raw = reviewAt(n)
  const isLetter = n % LETTER_EVERY === 0
  const received = {
    origin: 'webhook',
    receivedAt: first + n * APART_MS,
    raw: isLetter
      ? Buffer.from(raw.toString().replace(/"rating":\s*\d/, '"rating":"4.0 out of 5 stars"'))
      : raw,
    context: { source: 'webhook', kind: 'webhook', from: '/hooks/webhook', position: (n % 100) + 1 },
  }
  return arrivalOf(judge(received, rules))
}
