import type { Hostility } from '../../../src/sources/simulator/hostile/hostility.ts'
import {
  createHostileProvider,
  type HostileProvider,
} from '../../../src/sources/simulator/hostile/provider.ts'
import { retryAfterMs } from '../../../src/sources/http/retry-after.ts'
import { createGetter } from '../../../src/lib/pointer.ts'
import { type ShapeName, shapes } from '../../../src/sources/simulator/shapes/index.ts'

/** A hostile provider, and a client that reads whatever comes. */
export interface Hostile extends AsyncDisposable {
  readonly provider: HostileProvider
  readonly products: readonly string[]
  /** All items of all pages that could be read, one after the other. */
  readonly items: readonly object[]
  /** Status and body of every answer, or that there was none. */
  readonly answers: readonly string[]
  /** How many milliseconds pass by the provider's clock before each request: an hour, unless this is set. */
  haste: number
  /** Whether as much time passes besides as each answer asks for, and no more. */
  isExact: boolean
  headers: Readonly<Record<string, string>>
  ask(product: string, page: number): Promise<void>
  /** Asks so often for every page of every product, and for the one behind the last. */
  crawl(rounds: number): Promise<void>
  /** The ids of all reviews that were read. */
  ids(): string[]
}

const HOUR_MS = 3_600_000
const SIZE = 10
const UTF8 = new TextDecoder('utf-8', { fatal: true })
const LISTS: Readonly<Record<ShapeName, string>> = {
  canonical: '/reviews',
  rainforest: '/reviews',
  bazaarvoice: '/Results',
}

export async function openHostile(told: Partial<Hostility> = {}): Promise<Hostile> {
  const shapeName = told.shape ?? 'rainforest'
  const shape = shapes[shapeName]
  const hostility = { seed: 1, products: 4, reviews: 300, pageSize: SIZE, malice: 0.5, pace: 0.001 }
  let now = Date.UTC(2026, 0, 1)
  const provider = createHostileProvider({ ...hostility, ...told, shape: shapeName }, () => now)
  const url = await provider.listen({ host: '127.0.0.1', port: 0 })
  const items: object[] = []
  const answers: string[] = []
  const listOf = createGetter(LISTS[shapeName])
  const pageParam = (page: number): string =>
    shapeName === 'bazaarvoice' ? `Offset=${(page - 1) * SIZE}` : `page=${page}`

  /** Goes wherever it is sent, with all that is secret. */
  async function get(from: string): Promise<Response> {
    now += hostile.haste
    const response = await fetch(from, { redirect: 'manual', headers: hostile.headers })
    if (hostile.isExact) now += toldIn(response.headers, now)
    const location = response.headers.get('location')
    return location === null ? response : get(new URL(location, from).href)
  }

  async function ask(product: string, page: number): Promise<void> {
    try {
      const response = await get(`${url}${shape.path}?${shape.query}${product}&${pageParam(page)}`)
      const text = UTF8.decode(await response.arrayBuffer())
      answers.push(`${response.status} ${text}`)
      if (response.status === 200) items.push(...itemsIn(text))
    } catch {
      answers.push('none')
    }
  }

  async function lastPageOf(product: string): Promise<number> {
    const response = await fetch(`${url}/products`)
    const products = (await response.json()) as { product_id: string; reviews: number }[]
    return Math.ceil((products.find((one) => one.product_id === product)?.reviews ?? 0) / SIZE)
  }

  function itemsIn(text: string): object[] {
    try {
      const list = listOf(JSON.parse(text))
      return Array.isArray(list) ? (list as object[]) : []
    } catch {
      return []
    }
  }

  const products = provider.state().products.map(({ product_id: product }) => product)
  const hostile: Hostile = {
    provider,
    products,
    items,
    answers,
    haste: HOUR_MS,
    isExact: false,
    headers: {},
    ask,
    async crawl(rounds) {
      for (let round = 0; round < rounds; round++) {
        for (const product of products) {
          const last = await lastPageOf(product)
          for (let page = 1; page <= last + 1; page++) await ask(product, page)
        }
      }
    },
    ids: () => items.map((item) => String(createGetter(shape.content[0] ?? '')(item))),
    [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
  }
  return hostile
}

/** How long an answer asks to wait, in whatever headers. */
function toldIn(headers: Headers, now: number): number {
  const get = (name: string): string | undefined => headers.get(name) ?? undefined
  const retryAfter = retryAfterMs(get('retry-after'), get('date'), now)
  if (retryAfter !== undefined) return retryAfter
  const [, left, seconds] = /;r=(\d+);t=(\d+)$/.exec(get('ratelimit') ?? '') ?? []
  if (left === '0') return Number(seconds) * 1_000
  const prefix = ['', 'x-'].find((one) => get(`${one}ratelimit-remaining`) === '0')
  const reset = Number(prefix === undefined ? 0 : get(`${prefix}ratelimit-reset`))
  return reset > 1e6 ? reset * 1_000 - now : reset * 1_000
}
