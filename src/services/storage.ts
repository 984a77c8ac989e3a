import { arrivalOf, readArrival, recordOf } from '../arrival.ts'
import type { Outcome } from '../batch.ts'
import { HeadwaterError } from '../errors.ts'
import { pump, type Watch } from '../pump.ts'
import type { Message, Queue } from '../queues/queue.ts'
import { judge, type Rules } from '../review/interpret.ts'
import type { Arrival } from '../review/record.ts'
import { newRejected, isNewer, sameVerdict } from '../review/compare.ts'
import { REVIEW } from '../review/validate.ts'
import type { Registry } from '../stores/registry.ts'
import type { PutOutcome, Store } from '../stores/store.ts'
import { withCaution } from './caution.ts'
import type { DeadLetterLimit } from './dead-letter-limit.ts'
import { isSamePublication, type Ledger, type Settlement } from './ledger.ts'
import { narrow } from './narrow.ts'
import type { Origins } from './origins.ts'
import type { Suppression } from './suppression.ts'

export interface Storage {
  /** The topic's name, for the records of what is no event. */
  readonly topic: string
  readonly queue: Queue
  readonly store: Store
  readonly registry: Registry
  readonly ledger: Ledger
  readonly origins: Origins
  /** Reviews that were erased for good: what still comes of them is unchanged. */
  readonly suppression: Pick<Suppression, 'has'>
  readonly limit: DeadLetterLimit
  readonly clock: () => number
  /** Told of every settled batch. */
  readonly onSettled?: (settled: readonly Settled[]) => void
  readonly watch?: Watch
}

export interface Settled {
  readonly arrival: Arrival
  readonly as: Settlement
}

const MAX_ITEMS = 4000
const IN_FLIGHT = 2

/** Queue to store: write, note it in the ledger, acknowledge. The same for reviews and dead letters. */
export async function store(options: Storage, stop: AbortSignal, kill: AbortSignal): Promise<void> {
  const { topic, queue, registry, clock, watch } = options

  async function into(messages: readonly Message[], signal: AbortSignal): Promise<readonly Outcome[]> {
    return write(
      messages.map(({ body }) => read(body, topic, clock)),
      options,
      signal,
    )
  }

  async function convict({ body }: Message, error: unknown, signal: AbortSignal): Promise<Outcome> {
    const arrival = read(body, topic, clock)
    const message = `could not be stored: ${String(error)}`
    const [outcome] = await write([rejected(arrival, 'poison', message)], options, signal)
    return outcome ?? 'unchanged'
  }

  const cautious = await withCaution(
    {
      registry,
      topic,
      into,
      convict,
      bytesOf: ({ body }) => body,
      suspects: MAX_ITEMS * IN_FLIGHT,
      clock,
      onTrouble: watch?.trouble,
    },
    kill,
  )
  await pump({
    from: queue.read({ group: 'storage', signal: stop, maxItems: MAX_ITEMS, lingerMs: 20 }),
    into: narrow({ into: cautious.into, convict }),
    signal: kill,
    inFlight: IN_FLIGHT,
    ...(watch && { watch }),
  })
  await cautious.finish()
}

async function write(
  arrivals: readonly Arrival[],
  { store, ledger, origins, suppression, limit, onSettled }: Storage,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  await origins.note(new Set(arrivals.map(({ received }) => received.origin)))
  const wanted = arrivals.filter(({ key }) => !suppression.has(key))
  await limit.makeSure(wanted, { signal })
  const put = await putAll(wanted, store, signal)
  const stored = new Set(wanted.filter((_, n) => put[n] === 'stored'))
  const known = wanted.filter((_, n) => put[n] === 'unchanged')
  const written = await reconcile(known, store, signal)
  const settled = arrivals.map((arrival): Settled => {
    const isNew = stored.has(arrival) || written.has(arrival)
    if (!isNew) return { arrival, as: 'unchanged' }
    return { arrival, as: arrival.status === 'rejected' ? 'rejected' : 'stored' }
  })
  const entries = settled.flatMap(({ arrival: { ledger: entry }, as }) =>
    entry ? [[entry, as] as const] : [],
  )
  await ledger.settle(entries, signal)
  onSettled?.(settled)
  return settled.map(({ as }) => (as === 'unchanged' ? 'unchanged' : 'accepted'))
}

/** What the store refuses goes in as a dead letter that says so; what it refuses even then stops the flow. */
async function putAll(
  arrivals: readonly Arrival[],
  store: Store,
  signal: AbortSignal,
): Promise<PutOutcome[]> {
  const outcomes = [...(await store.put(arrivals, { signal }))]
  for (const [n, outcome] of outcomes.entries()) {
    const arrival = arrivals[n]
    if (typeof outcome === 'object' && arrival) {
      const [second] = await store.put([rejected(arrival, outcome.code, outcome.message)], { signal })
      if (typeof second === 'object')
        throw new HeadwaterError('STORE_REFUSED', `${arrival.key}: ${second.message}`)
      outcomes[n] = second ?? 'unchanged'
    }
  }
  return outcomes
}

/**
 * Looks at rows that were there already. One that this very publication wrote, before an end in between, counts as newly
 * written. One with an older verdict gets the new one.
 */
async function reconcile(
  arrivals: readonly Arrival[],
  store: Store,
  signal: AbortSignal,
): Promise<ReadonlySet<Arrival>> {
  const own = new Set<Arrival>()
  if (arrivals.length === 0) return own
  const rows = await store.get(
    arrivals.map(({ key }) => key),
    { signal },
  )
  for (const arrival of arrivals) {
    const { key, ledger } = arrival
    let row = rows.get(key)
    if (row && isSamePublication(row.ledger, ledger)) own.add(arrival)
    const { verdict } = recordOf(arrival)
    while (row && isNewer(verdict, row.verdict) && !sameVerdict(verdict, row.verdict)) {
      if (await store.amend(key, row.revision, verdict, { signal })) break
      row = (await store.get([key], { signal })).get(key)
    }
  }
  return own
}

/** A message that is no event is kept as well: as a dead letter whose raw is the message. */
function read(body: Buffer, topic: string, clock: () => number): Arrival {
  try {
    return readArrival(body)
  } catch (error) {
    if (!(error instanceof HeadwaterError)) throw error
    const context = { source: topic, kind: 'queue', unreadable: error.message }
    return arrivalOf(judge({ origin: topic, receivedAt: clock(), raw: body, context }, foreign))
  }
}

/** Nothing is known about what other programs put on our queues. */
const foreign: Rules = {
  versions: { preset: 'none@1', schema: 'none@1' },
  validator: REVIEW,
  read: ({ context }) => ({ code: 'unreadable', message: context.unreadable ?? '', encoding: undefined }),
  shape: () => ({ candidate: {}, derived: [] }),
  repairs: [],
  repair: ({ review }) => review,
}

function rejected(arrival: Arrival, code: string, message: string): Arrival {
  const record = recordOf(arrival)
  return arrivalOf({ ...record, verdict: newRejected(record, code, message) })
}
