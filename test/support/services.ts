import { encodeEvent, subjectOf } from '../../src/event.ts'
import embeddedQueue from '../../src/queues/embedded/index.ts'
import type { Message, Queue } from '../../src/queues/queue.ts'
import type { ReviewRecord } from '../../src/review/record.ts'
import { createDeadLetterLimit } from '../../src/services/dead-letter-limit.ts'
import { createLedger, type Ledger } from '../../src/services/ledger.ts'
import { createOrigins } from '../../src/services/origins.ts'
import { type Storage, store as storage } from '../../src/services/storage.ts'
import embeddedStore from '../../src/stores/embedded/index.ts'
import { TransientError } from '../../src/errors.ts'
import type { Registry } from '../../src/stores/registry.ts'
import type { Store } from '../../src/stores/store.ts'
import { queueContext, silent } from './queue-context.ts'

/** What the services of one process work on, in a folder: everything is real. */
export interface Place extends AsyncDisposable {
  readonly queue: Queue
  readonly deadLetters: Queue
  readonly store: Store
  readonly registry: Registry
}

export async function openPlace(dataDir: string, maxMessageBytes = '1MiB'): Promise<Place> {
  const context = { dataDir, logger: silent, signal: new AbortController().signal }
  const queueConfig = embeddedQueue.config.parse({ maxMessageBytes })
  const storeConfig = embeddedStore.config.parse({})
  await using opened = new AsyncDisposableStack()
  const open = async (topic: string) =>
    opened.use(await embeddedQueue.open(queueConfig, queueContext(dataDir, topic)))
  const place = {
    queue: await open('raw-reviews'),
    deadLetters: await open('dead-letter-queue'),
    store: opened.use(await embeddedStore.open(storeConfig, context)),
    registry: opened.use(await embeddedStore.openRegistry(storeConfig, context)),
  }
  const resources = opened.move()
  return { ...place, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

/** The message that ingestion would publish for a record. */
export function messageOf(record: ReviewRecord): Message {
  if (!record.ledger) throw new Error(`${record.key} has no number`)
  return { key: subjectOf(record), body: encodeEvent(record, record.ledger) }
}

/** A registry that writes the first entry of a job with something done, and loses the answer. */
export function losingAnswer(registry: Registry): Registry & { readonly lost: () => number } {
  let lost = 0
  return {
    ...registry,
    lost: () => lost,
    async compareAndSet(name, revision, value, options) {
      const isSet = await registry.compareAndSet(name, revision, value, options)
      if (lost > 0 || !/"done":[1-9]/.test(value.toString())) return isSet
      lost++
      throw new TransientError('STORE_UNAVAILABLE', 'the answer was lost')
    },
  }
}

/** Wrappers that put a fault in front of, or behind, what is real. */
export interface Faults {
  readonly store?: (store: Store) => Store
  readonly ledger?: (ledger: Ledger) => Ledger
  readonly queue?: (queue: Queue) => Queue
  /** Nothing was erased unless told. */
  readonly suppression?: Storage['suppression']
  readonly maxDeadLetterBytes?: number
}

/** Where these keys are of reviews that were erased. */
export const suppressionOf = (has: (key: string) => boolean): Storage['suppression'] => ({
  has,
  among: async (keys) => new Set(keys.filter(has)),
})
export const noSuppression = suppressionOf(() => false)

/** Runs the storage service until all that was published is acknowledged. */
export async function storeAll(
  { queue, store, registry }: Place,
  faults: Faults = {},
  owner = 'storage-1',
): Promise<void> {
  const stop = new AbortController()
  const ledger = createLedger(registry, owner)
  const running = storage(
    {
      topic: 'raw-reviews',
      queue: faults.queue?.(queue) ?? queue,
      store: faults.store?.(store) ?? store,
      ledger: faults.ledger?.(ledger) ?? ledger,
      registry,
      origins: createOrigins(registry),
      suppression: faults.suppression ?? noSuppression,
      limit: createDeadLetterLimit(store, faults.maxDeadLetterBytes ?? Infinity),
      clock: Date.now,
    },
    stop.signal,
    new AbortController().signal,
  )
  const done = queue.caughtUp?.('storage', { signal: stop.signal })
  try {
    await Promise.race([done, running])
  } finally {
    stop.abort()
    await running
  }
}
