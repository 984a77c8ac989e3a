import { type Answer, type Asked, openProvider, type Provider, type Reply } from './provider.ts'

export type Shape = 'brightdata' | 'apify' | 'dataforseo'

/** A provider that bills each job that it begins. */
export interface JobProvider extends Provider {
  /** The ids of the jobs that were begun, in order: each was paid for. */
  readonly begun: readonly string[]
  /** The product of each of them; an empty text where there are none. */
  readonly begunFor: readonly string[]
  /** The settings of a source that reads from it, as code has them. */
  readonly settings: object
  /** The same as YAML. */
  readonly yaml: string
  /** From now on this job is as this says. */
  turn(job: string, into: 'ready' | 'failed' | 'empty'): void
}

export interface JobProviderOptions {
  /** How often a job is looked at before it is ready; 1 unless told. */
  readonly looks?: number
  /** What a job is begun for, each; without it there is one of everything. */
  readonly products?: readonly string[]
  /** How many reviews a job has; 50 unless told. */
  readonly reviews?: number
  /** What is answered in place of the provider, where that is not undefined. */
  readonly intervene?: (asked: Asked, n: number) => Answer | undefined | Promise<Answer | undefined>
}

/** How many reviews a part holds. */
export const PART = 10

type Status = 'running' | 'ready' | 'failed' | 'empty'

export async function openJobProvider(shape: Shape, options: JobProviderOptions = {}): Promise<JobProvider> {
  const { looks = 1, products, reviews = 50, intervene } = options
  const begun: string[] = []
  const begunFor: string[] = []
  const seen = new Map<string, number>()
  const turned = new Map<string, Status>()

  function statusOf(job: string): Status {
    const count = (seen.get(job) ?? 0) + 1
    seen.set(job, count)
    return turned.get(job) ?? (count >= looks ? 'ready' : 'running')
  }

  const { begins, answer, config } = SHAPES[shape]
  const provider = await openProvider(async (asked, n) => {
    const instead = await intervene?.(asked, n)
    if (instead !== undefined) return instead
    if (asked.path === begins) {
      begun.push(`${shape}-${begun.length + 1}`)
      begunFor.push(asked.params.get('asin') ?? '')
    }
    return answer(asked, { job: begun.at(-1) ?? '', begun, statusOf, reviews })
  })
  const single = config(provider.url)
  const trigger = { ...single.trigger, params: { asin: '{product}' } }
  const settings = products === undefined ? single : { ...single, trigger, products }
  return {
    ...provider,
    begun,
    begunFor,
    settings,
    yaml: JSON.stringify(toWritten(settings)),
    turn: (job, into) => void turned.set(job, into),
  }
}

interface Known {
  /** The id of the job that was begun last. */
  readonly job: string
  readonly begun: readonly string[]
  /** How a job is; looking at it lets it go on. */
  readonly statusOf: (job: string) => Status
  readonly reviews: number
}

interface Shaped {
  /** The path that begins a job. */
  readonly begins: string
  readonly answer: (asked: Asked, known: Known) => Reply
  readonly config: (url: string) => { readonly trigger: object }
}

const UNKNOWN: Reply = { status: 404, body: { error: 'no such job' } }

/** A review of a job, in the shape of Bright Data. */
export const recordOf = (job: string, n: number): object => ({
  review_id: `${job}-r${n}`,
  asin: 'B000000001',
  author_id: `author-${n}`,
  review_text: `Text ${n}`,
  rating: (n % 5) + 1,
  review_posted_date: 'September 7, 2024',
  timestamp: '2024-10-20T05:11:59.165Z',
})

const itemOf = (job: string, n: number): object => ({
  reviewId: `${job}-r${n}`,
  productAsin: 'B000000001',
  userId: `user-${n}`,
  reviewDescription: `Text ${n}`,
  ratingScore: (n % 5) + 1,
  date: '2025-10-17',
})

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, n) => from + n + 1)

const lastOf = (path: string, at = -1): string => decodeURIComponent(path.split('/').at(at) ?? '')

const SHAPES: Readonly<Record<Shape, Shaped>> = {
  brightdata: {
    begins: '/datasets/v3/trigger',
    answer({ path, params }, { job, begun, statusOf, reviews }) {
      if (path === '/datasets/v3/trigger') return { body: { snapshot_id: job } }
      const id = lastOf(path)
      if (!begun.includes(id)) return UNKNOWN
      if (path.startsWith('/datasets/v3/progress/'))
        return { body: { snapshot_id: id, status: statusOf(id) } }
      const part = Number(params.get('part'))
      const to = Math.min(reviews, part * PART)
      return { body: numbers((part - 1) * PART, to).map((n) => recordOf(id, n)) }
    },
    config: (url) => ({
      headers: { authorization: 'Bearer key-that-nobody-may-see' },
      trigger: {
        url: `${url}/datasets/v3/trigger?dataset_id=gd_1`,
        body: '[{"url":"x"}]',
        job: '/snapshot_id',
      },
      progress: {
        url: `${url}/datasets/v3/progress/{job}`,
        status: '/status',
        done: ['ready'],
        failed: ['failed'],
        everyMs: '1s',
      },
      download: {
        url: `${url}/datasets/v3/snapshot/{job}?format=json`,
        params: { batch_size: String(PART) },
        paging: { kind: 'page', param: 'part' },
      },
    }),
  },
  apify: {
    begins: '/v2/actors/junglee~reviews/runs',
    answer({ path, params }, { job, begun, statusOf, reviews }) {
      if (path.endsWith('/runs')) return { status: 201, body: { data: { id: job, status: 'READY' } } }
      const id = lastOf(path, path.endsWith('/items') ? -3 : -1)
      if (!begun.includes(id)) return UNKNOWN
      if (!path.endsWith('/items')) {
        const words = { running: 'RUNNING', ready: 'SUCCEEDED', failed: 'TIMED-OUT', empty: 'SUCCEEDED' }
        return { body: { data: { id, status: words[statusOf(id)] } } }
      }
      const offset = Number(params.get('offset'))
      const limit = Number(params.get('limit'))
      // With clean=true what was left out makes a page shorter, and the next one begins no earlier.
      const all = numbers(offset, Math.min(reviews, offset + limit)).filter((n) => n % 4 !== 0)
      return { body: all.map((n) => itemOf(id, n)) }
    },
    config: (url) => ({
      headers: { authorization: 'Bearer key-that-nobody-may-see' },
      trigger: { url: `${url}/v2/actors/junglee~reviews/runs`, body: '{}', job: '/data/id' },
      progress: {
        url: `${url}/v2/actor-runs/{job}`,
        status: '/data/status',
        done: ['SUCCEEDED'],
        failed: ['FAILED', 'TIMED-OUT', 'ABORTED'],
        everyMs: '1s',
      },
      download: {
        url: `${url}/v2/actor-runs/{job}/dataset/items`,
        params: { clean: 'true' },
        paging: { kind: 'offset', param: 'offset', sizeParam: 'limit', size: PART },
      },
    }),
  },
  dataforseo: {
    begins: '/v3/merchant/amazon/reviews/task_post',
    answer({ path }, { job, begun, statusOf, reviews }) {
      const envelope = (id: string, code: number, result: object[] | null): Reply => ({
        body: { status_code: 20_000, tasks: [{ id, status_code: code, result }] },
      })
      if (path.endsWith('/task_post')) return envelope(job, 20_100, null)
      const id = lastOf(path)
      if (!begun.includes(id)) return envelope(id, 40_401, null)
      const codes = { running: 40_602, ready: 20_000, failed: 40_501, empty: 40_102 }
      const code = codes[statusOf(id)]
      if (code !== 20_000) return envelope(id, code, null)
      return envelope(id, 20_000, [
        { asin: 'B000000001', items: numbers(0, reviews).map((n) => recordOf(id, n)) },
      ])
    },
    config: (url) => ({
      headers: { authorization: 'Basic a2V5OnRoYXQtbm9ib2R5LW1heS1zZWU=' },
      trigger: {
        url: `${url}/v3/merchant/amazon/reviews/task_post`,
        body: '[{"asin":"B000000001"}]',
        job: '/tasks/0/id',
      },
      progress: {
        status: '/tasks/0/status_code',
        done: [20_000],
        empty: [40_102],
        failed: ['404*', '405*'],
        everyMs: '1s',
      },
      download: { url: `${url}/v3/merchant/amazon/reviews/task_get/advanced/{job}` },
    }),
  },
}

/** Keys as users write them. */
function toWritten(settings: unknown): unknown {
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) return settings
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      key.replace(/Ms$/, '').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      toWritten(value),
    ]),
  )
}
