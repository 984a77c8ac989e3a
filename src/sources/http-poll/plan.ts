import { expectedSeen, gainOfOneMore } from './overflow.ts'
import { fitPrior, type Observed, type Prior, rateOf } from './velocity.ts'

/** Between what a plan chooses. */
export interface Limits {
  /** No product is polled more often than this. */
  readonly everyMs: number
  /** Each is polled at least this often, where the budget allows it. */
  readonly stalestMs: number
  /** What may be spent, over all products; `Infinity` polls each of them every `everyMs`. */
  readonly callsPerMs: number
}

/** How often each product is polled. It is made of how products differ, and remembers none of them. */
export interface Plan {
  readonly prior: Prior
  readonly products: number
  /** What it spends: never more than the limits say. */
  readonly callsPerMs: number
  /** New reviews that there will be, and those of them that the polls will see. */
  readonly newPerMs: number
  readonly seenPerMs: number
  /** Whether the budget is too small to poll each product once in `stalestMs`. */
  readonly isShort: boolean
  /** From the beginning of a poll to that of the next one. */
  readonly intervalMs: (known: Observed | undefined) => number
  /** Requests that a poll is expected to take. */
  readonly callsPerPoll: (known: Observed | undefined) => number
  /** New reviews per poll that are expected to be seen. */
  readonly seenPerPoll: (known: Observed | undefined) => number
  /** How long after a review appeared it is polled at the latest, for this share of all new reviews. */
  readonly stalenessMs: (share: number) => number
}

interface Product {
  /** New reviews. */
  readonly ratePerMs: number
  /** Of one poll. */
  readonly calls: number
}

/** So many products that are taken for the same: what they are on average. */
interface Kind extends Product {
  readonly count: number
}

/** What decides about intervals besides the price. */
interface Scale {
  readonly everyMs: number
  readonly longestMs: number
  /** What a review costs that is never seen. */
  readonly missedMs: number
  /** How many reviews a poll shows at most. */
  readonly shown: number
}

/** Kinds differ by about this factor. */
const STEP = 2 ** (1 / 8)
const PRICE_ROUNDS = 24
const INTERVAL_ROUNDS = 12

/**
 * The plan that spends a budget where it keeps reviews fresh. A review that appears at random waits half an interval, so
 * that the cost of a product with rate λ and interval T is λT/2, and one more call for it saves λT²/2. Where all
 * calls save the same, none can be moved to save more: without other limits, T is proportional to the root of calls/λ. A
 * review that is pushed out of a page before it was seen costs as much as one that waited `stalestMs`. What a call must save,
 * its price, is found by halving, over some hundred kinds of product, however many products there are.
 */
export function plan(known: readonly (Observed | undefined)[], limits: Limits): Plan {
  const prior = fitPrior(known)
  const calls = meanCalls(known)
  const shown = mostShown(known)
  const productOf = (one: Observed | undefined): Product => ({
    ratePerMs: rateOf(one, prior),
    calls: one?.calls ?? calls,
  })
  const kinds = gather(known.map(productOf))
  const { everyMs, stalestMs, callsPerMs } = limits
  const least = total(kinds, (kind) => kind.calls / stalestMs)
  const isShort = least > callsPerMs
  // Half of a budget that is too small polls all alike, and half goes where the reviews are.
  const longestMs = isShort ? (2 * stalestMs * least) / callsPerMs : stalestMs
  const scale: Scale = { everyMs, longestMs: Math.max(everyMs, longestMs), missedMs: stalestMs, shown }
  const price = priceFor(kinds, callsPerMs, scale)
  const planned = kinds.map((kind) => ({ ...kind, intervalMs: intervalFor(kind, price, scale) }))
  const newPerMs = total(planned, ({ ratePerMs }) => ratePerMs)
  const intervalMs = (one: Observed | undefined): number => intervalFor(productOf(one), price, scale)

  function stalenessMs(share: number): number {
    const seenWithin = (ms: number): number =>
      total(planned, ({ ratePerMs, intervalMs }) => ratePerMs * Math.min(1, ms / intervalMs))
    return halve(everyMs * share, scale.longestMs, (ms) => seenWithin(ms) >= share * newPerMs)
  }

  return {
    prior,
    products: known.length,
    callsPerMs: total(planned, ({ calls, intervalMs }) => calls / intervalMs),
    newPerMs,
    seenPerMs: total(
      planned,
      ({ ratePerMs, intervalMs }) => expectedSeen(ratePerMs * intervalMs, shown) / intervalMs,
    ),
    isShort,
    intervalMs,
    callsPerPoll: (one) => productOf(one).calls,
    seenPerPoll: (one) => expectedSeen(rateOf(one, prior) * intervalMs(one), shown),
    stalenessMs,
  }
}

/** What one more call per product saves, in milliseconds of waiting. Grows with the interval. */
function saving({ ratePerMs, calls }: Product, intervalMs: number, { missedMs, shown }: Scale): number {
  const mean = ratePerMs * intervalMs
  return ((mean * intervalMs) / 2 + missedMs * gainOfOneMore(mean, shown)) / calls
}

/** The interval at which one more call saves just what it costs. */
function intervalFor(product: Product, price: number, scale: Scale): number {
  const { everyMs, longestMs, shown } = scale
  const rootMs = Math.sqrt((2 * price * product.calls) / product.ratePerMs)
  const longest = Math.min(longestMs, Math.max(everyMs, rootMs))
  if (shown === Infinity) return longest
  return halve(everyMs, longest, (ms) => saving(product, ms, scale) >= price, INTERVAL_ROUNDS)
}

/** The lowest price at which no more is bought than there is. */
function priceFor(kinds: readonly Kind[], callsPerMs: number, scale: Scale): number {
  const spent = (price: number): number =>
    total(kinds, (kind) => kind.calls / intervalFor(kind, price, scale))
  if (callsPerMs === Infinity) return 0
  const cheapest = kinds.reduce(
    (least, kind) => Math.min(least, saving(kind, scale.everyMs, scale)),
    Infinity,
  )
  const dearest = kinds.reduce((most, kind) => Math.max(most, saving(kind, scale.longestMs, scale)), 0)
  return halve(cheapest, dearest, (price) => spent(price) <= callsPerMs, PRICE_ROUNDS)
}

/** The smallest number between two, about, from which on something holds; the larger one where it never does. */
function halve(low: number, high: number, holds: (value: number) => boolean, rounds = PRICE_ROUNDS): number {
  if (low >= high || holds(low)) return Math.min(low, high)
  for (let round = 0; round < rounds; round++) {
    const middle = Math.sqrt(low * high)
    if (holds(middle)) high = middle
    else low = middle
  }
  return high
}

/** Kinds of products, whatever their number. */
function gather(products: readonly Product[]): readonly Kind[] {
  const kinds = new Map<number, { ratePerMs: number; calls: number; count: number }>()
  for (const { ratePerMs, calls } of products) {
    const key = stepOf(ratePerMs) * 2 ** 12 + stepOf(calls)
    const kind = kinds.get(key) ?? { ratePerMs: 0, calls: 0, count: 0 }
    kind.ratePerMs += ratePerMs
    kind.calls += calls
    kind.count++
    kinds.set(key, kind)
  }
  return Array.from(kinds.values(), ({ ratePerMs, calls, count }) => ({
    ratePerMs: ratePerMs / count,
    calls: calls / count,
    count,
  }))
}

const stepOf = (value: number): number => Math.round(Math.log(value) / Math.log(STEP))

function total<Some extends Kind>(kinds: readonly Some[], value: (kind: Some) => number): number {
  return kinds.reduce((sum, kind) => sum + kind.count * value(kind), 0)
}

/** What a poll is expected to take where nothing is known. */
function meanCalls(known: readonly (Observed | undefined)[]): number {
  let [sum, count] = [0, 0]
  for (const one of known) {
    if (one === undefined) continue
    sum += one.calls
    count++
  }
  return count === 0 ? 1 : sum / count
}

/** A page is as large as the fullest one: of a product with few reviews it is not full. */
function mostShown(known: readonly (Observed | undefined)[]): number {
  let most = 0
  for (const one of known) most = Math.max(most, one?.shown ?? 0)
  return most === 0 ? Infinity : most
}
