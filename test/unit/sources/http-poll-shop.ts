import { type PresetInput, presetSchema } from '../../../src/presets/preset.ts'
import { createProvider } from '../../../src/presets/provider.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import { createSplit } from '../../../src/presets/split.ts'
import { judge } from '../../../src/review/interpret.ts'
import type { Received } from '../../../src/review/received.ts'
import type { ReviewRecord } from '../../../src/review/record.ts'
import type { Repair } from '../../../src/review/repair.ts'
import { openProvider, type Provider, type Reply } from '../../support/provider.ts'
import type { Poll } from './http-poll-harness.ts'

type Id = number | string

/** How a shop that shows all its reviews answers. */
const SHOP: PresetInput = {
  name: 'shop',
  version: 1,
  coverage: 'full',
  total: '/total',
  items: ['/reviews/*'],
  blocked: { when: '/notice', holds: ['captcha'] },
  fields: {
    review_id: { from: '/id' },
    product_id: { from: '/product' },
    user_id: { from: '/author' },
    review_text: { from: '/text' },
    rating: { from: '/stars' },
    review_timestamp: { from: '/date' },
    helpful_votes: { from: '/votes' },
  },
}

/** What a source knows of the shop, and what its items are. */
export function knowledgeOf(more: Partial<PresetInput> = {}) {
  const preset = presetSchema.parse({ ...SHOP, ...more })
  let rules = compileRules(preset)
  return {
    /** From now on the source keeps these repairs. */
    keep: (...repairs: readonly Repair[]): void => void (rules = compileRules(preset, { repairs })),
    /** For the context of a source. */
    context: { split: createSplit(preset), provider: createProvider(preset, () => rules) },
    judged: (received: Received): ReviewRecord => judge(received, rules),
  }
}

const KNOWN = knowledgeOf()

export const judged = KNOWN.judged
export const known = KNOWN.context

/** What an item is, in two words: which review, and its status or the code of its fault. */
export function wordsOf(received: Received): string {
  const { verdict } = judged(received)
  if (verdict.status === 'accepted') return `${verdict.review.review_id} accepted`
  return verdict.status === 'rejected' ? verdict.code : `${verdict.review_id} ${verdict.status}`
}

/** What is handed over until one of the items is this; all of it is acknowledged. */
export async function readUntil(poll: Poll, last: string): Promise<string[]> {
  const read: string[] = []
  while (!read.includes(last)) {
    const batch = await poll.next()
    read.push(...batch.items.map(wordsOf))
    await batch.ack()
  }
  return read
}

export const reviewOf = (id: Id, more: object = {}): object => ({
  id: `R${id}`,
  product: 'B1',
  author: 'U1',
  text: `The lid of ${id} fits.`,
  stars: 4,
  date: '2026-01-01T00:00:00Z',
  ...more,
})

export const idsUpTo = (last: number): number[] => Array.from({ length: last }, (_, n) => n + 1)

const PAGE_SIZE = 10

/** A page of a shop that has these reviews, in this order. */
export function pageOf(ids: readonly Id[], page: number, more: object = {}): Reply {
  const shown = ids.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE)
  return {
    body: { reviews: shown.map((id) => reviewOf(id)), pages: Math.ceil(ids.length / PAGE_SIZE), ...more },
  }
}

/** What a shop shows to one crawl: the reviews that it has, or what it makes of the request for a page. */
export type Look = readonly Id[] | Shown
export type Shown = (page: number) => Reply

/** Each request for the first page is shown the next look; the last one goes on. */
export function openShop(...looks: readonly Look[]): Promise<Provider> {
  let at = -1
  return openProvider(({ params }) => {
    const page = Number(params.get('page') ?? 1)
    if (page === 1) at = Math.min(at + 1, looks.length - 1)
    const look = looks[at] ?? []
    return typeof look === 'function' ? look(page) : pageOf(look, page)
  })
}

/** How the shop is polled: hourly, page by page until one is empty. */
export const settingsFor = ({ url }: Pick<Provider, 'url'>) => ({
  url: `${url}/{product}`,
  products: ['B1'],
  everyMs: '1h',
  paging: { kind: 'page', param: 'page' },
})
