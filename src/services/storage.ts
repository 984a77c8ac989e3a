import { arrivalOf, readArrival, recordOf } from '../arrival.ts'
import type { Outcome } from '../batch.ts'
import { HeadwaterError } from '../errors.ts'
import { pump, type Watch } from '../pump.ts'
import type { Message, Queue } from '../queues/queue.ts'
import { judge, type Rules } from '../review/interpret.ts'
import type { Arrival } from '../review/record.ts'
import { REVIEW } from '../review/validate.ts'
import type { Registry } from '../stores/registry.ts'
import type { Store } from '../stores/store.ts'
import { withCaution } from './caution.ts'
import type { DeadLetterLimit } from './dead-letter-limit.ts'
import { asRejected, keep } from './keep.ts'
import type { Ledger, Settlement } from './ledger.ts'
import { narrow } from './narrow.ts'
import type { Origins } from './origins.ts'
import { removeErased, type Suppression } from './suppression.ts'

export interface Storage {
  /** The topic's name, for the records of what is no event. */
  readonly topic: string
  readonly queue: Queue
  readonly store: Store
  readonly registry: Registry
  readonly ledger: Ledger
  readonly origins: Origins
  /** Reviews that were erased for good: what still comes of them is unchanged. */
  readonly suppression: Omit<Suppression, symbol>
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
    const readAll = (look: typeof readArrival) => messages.map(({ body }) => read(body, topic, clock, look))
    try {
      return await write(readAll(readArrival), options, signal)
    } catch (error) {
      if (!isUnreadable(error)) throw error
      // A store that lays out fields has read more of an event than we.
      return write(readAll(readWhole), options, signal)
    }
  }

  async function convict({ body }: Message, error: unknown, signal: AbortSignal): Promise<Outcome> {
    const arrival = read(body, topic, clock, readWhole)
    const message = `could not be stored: ${String(error)}`
    const [outcome] = await write([asRejected(arrival, 'poison', message)], options, signal)
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
  { store, ledger, origins, suppression, limit, onSettled, watch }: Storage,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  await origins.note(new Set(arrivals.map(({ received }) => received.origin)))
  const wanted = arrivals.filter(({ key }) => !suppression.has(key))
  await limit.makeSure(wanted, { signal, onWaiting: watch?.turned })
  const kept = await keep(wanted, store, signal)
  const written = [...kept.values()].map(({ arrival }) => arrival)
  const keys = [...arrivals, ...written].map(({ key }) => key)
  const erased = await removeErased(keys, { store, suppression }, signal)
  const settled = arrivals.map((came): Settled => {
    const { arrival, isNew } = kept.get(came) ?? { arrival: came, isNew: false }
    if (!isNew || erased.has(came.key)) return { arrival, as: 'unchanged' }
    return { arrival, as: arrival.status === 'rejected' ? 'rejected' : 'stored' }
  })
  const entries = settled.flatMap(({ arrival: { ledger: entry }, as }) =>
    entry ? [[entry, as] as const] : [],
  )
  await ledger.settle(entries, signal)
  onSettled?.(settled)
  return settled.map(({ as }) => (as === 'unchanged' ? 'unchanged' : 'accepted'))
}

/** A message that is no event is kept as well: as a dead letter whose raw is the message. */
function read(body: Buffer, topic: string, clock: () => number, look: typeof readArrival): Arrival {
  try {
    return look(body)
  } catch (error) {
    if (!isUnreadable(error)) throw error
    const context = { source: topic, kind: 'queue', unreadable: error.message }
    return arrivalOf(judge({ origin: topic, receivedAt: clock(), raw: body, context }, foreign))
  }
}

/** Also what `readArrival` skips of an event can be read. */
function readWhole(body: Buffer): Arrival {
  const arrival = readArrival(body)
  recordOf(arrival)
  return arrival
}

const isUnreadable = (error: unknown): error is HeadwaterError =>
  error instanceof HeadwaterError && error.code === 'EVENT_UNREADABLE'

/** Nothing is known about what other programs put on our queues. */
const foreign: Rules = {
  versions: { preset: 'none@1', schema: 'none@1' },
  validator: REVIEW,
  read: ({ context }) => ({ code: 'unreadable', message: context.unreadable ?? '', encoding: undefined }),
  shape: () => ({ candidate: {}, derived: [] }),
  repairs: [],
  repair: ({ review }) => review,
}
