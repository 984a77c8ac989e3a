import { openConsole } from './console-store.ts'
import { type Question, type Row } from './question.ts'

const ASKED = 100
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
  await using opened = await openConsole(count)
  return await views(opened.admin, count)
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
