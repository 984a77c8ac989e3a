import type { Environment } from '../app.ts'
import { formatCount, formatDuration } from '../lib/units.ts'
import { ONLY_PRODUCT } from '../sources/http-poll/facts.ts'
import { missingOf, per100Calls } from '../sources/http-poll/polling.ts'
import type { Store } from '../stores/store.ts'
import { type Io, parseCount } from './command.ts'
import { openRegistry, openStore } from './open.ts'
import { measure, rounded, short, wordsOf } from './measured.ts'
import { excerpt, table, write, writeJson } from './output.ts'
import { ago, leading, type Polled, polledBy, pollers } from './polled.ts'
import type { ProductOptions } from './sources.ts'

/** So many products are counted in the store without being asked to. */
const COUNTED = 100
/** The first half of a record key says which review it is. */
const HALF = 16

/** What the provider says there is, and what came, of each product. */
export async function tellCoverage(
  { source, product, limit, count = false }: ProductOptions & { readonly count?: boolean },
  env: Environment & { readonly json: boolean },
  io: Io,
): Promise<void> {
  const most = parseCount(limit, '--limit')
  await using opened = new AsyncDisposableStack()
  const registry = opened.use(await openRegistry(env))
  const store = opened.use(await openStore(env))
  for (const config of pollers(env.config.sources, source)) {
    const all = await polledBy(config, { registry, signal: io.signal })
    const meant = all.filter((one) => product === undefined || one.product === product)
    const shown = leading(meant, most, worstFirst)
    const now = Date.now()
    const isCounted = count || shown.length <= COUNTED
    const rows = [HEAD]
    for (const { product: of, facts } of shown) {
      const kept = isCounted ? await keptOf(of, config.name, store, io.signal) : undefined
      const gap = missingOf(facts)
      const { told, fetched, completeAt, polledAt, yielded, found } = facts
      const newPer100Calls = yielded && per100Calls(yielded)
      if (env.json) {
        await writeJson(io, {
          source: config.name,
          product: of,
          told,
          fetched,
          ...kept,
          gap,
          newPer100Calls: rounded(newPer100Calls),
          completeAt: iso(completeAt),
          polledAt: iso(polledAt),
          foundAt: iso(found?.at),
          stalenessMs: since(polledAt, now),
          completeStalenessMs: since(completeAt, now),
          discoveryMs: found?.afterMs,
        })
      } else {
        const counts = [told, fetched, kept?.stored, kept?.rejected, gap].map(shownCount)
        const yieldText = newPer100Calls === undefined ? '-' : short(newPer100Calls)
        const when = [completeAt, polledAt].map((at) => ago(at, now, formatDuration))
        const waited = found === undefined ? '-' : formatDuration(found.afterMs)
        rows.push([excerpt(of, 40), ...counts, yieldText, waited, ...when])
      }
    }
    if (!env.json)
      await write(io, `${summaryOf(config.name, meant, now)}\n\n${table(rows)}${restOf(meant, shown)}\n`)
  }
}

const HEAD = [
  'product',
  'provider says',
  'fetched',
  'stored',
  'rejected',
  'gap',
  'new per 100 calls',
  'found within',
  'complete poll',
  'last poll',
]

/** Reviews of a product that the source brought, each once however often it changed, and its dead letters that name it. */
async function keptOf(
  product: string,
  source: string,
  store: Store,
  signal: AbortSignal,
): Promise<{ readonly stored: number; readonly rejected: number } | undefined> {
  if (product === ONLY_PRODUCT) return undefined
  const reviews = new Set<string>()
  let rejected = 0
  for await (const { records } of store.scan({ by: 'product', product, signal })) {
    for (const { key, verdict, received } of records) {
      if (received.context.source !== source) continue
      if (verdict.status === 'accepted') reviews.add(key.slice(0, HALF))
      else if (verdict.status === 'rejected') rejected++
    }
  }
  return { stored: reviews.size, rejected }
}

/** The largest gap first, and of the others those that were never polled to the end. */
function worstFirst(a: Polled, b: Polled): number {
  const [byGap, isOpen] = [
    (missingOf(b.facts) ?? 0) - (missingOf(a.facts) ?? 0),
    Number(b.facts.polledAt === undefined) - Number(a.facts.polledAt === undefined),
  ]
  return byGap || isOpen || (a.product < b.product ? -1 : 1)
}

function summaryOf(source: string, all: readonly Polled[], now: number): string {
  const sum = (value: (one: Polled) => number | undefined): number =>
    all.reduce((total, one) => total + (value(one) ?? 0), 0)
  const polled = sum(({ facts }) => Number(facts.polledAt !== undefined))
  const told = sum(({ facts }) => facts.told)
  const fetched = sum(({ facts }) => facts.fetched)
  const gap = sum(({ facts }) => missingOf(facts))
  return `${source}: ${formatCount(polled)} of ${formatCount(all.length, 'product')} polled to the end; the provider says ${formatCount(told)}, fetched ${formatCount(fetched)}, gap ${formatCount(gap)}\n  ${wordsOf(measure(all, now))}`
}

function restOf(all: readonly Polled[], shown: readonly Polled[]): string {
  const rest = all.length - shown.length
  return rest > 0 ? `and ${formatCount(rest)} more; --limit shows them\n` : ''
}

const since = (at: number | undefined, now: number): number | undefined =>
  at === undefined ? undefined : Math.max(0, now - at)
const iso = (at: number | undefined): string | undefined =>
  at === undefined ? undefined : new Date(at).toISOString()
const shownCount = (count: number | undefined): string => (count === undefined ? '-' : formatCount(count))
