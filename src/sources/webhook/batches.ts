import type { Batch, Outcome } from '../../batch.ts'
import type { Received } from '../../review/received.ts'
import type { Delivery } from './delivery.ts'

/** The most items of one delivery that are handed over at once. */
export const MAX_BATCH_ITEMS = 5_000

/** Deliveries as batches: several together are one batch, a very large one alone is several. */
export function* batchesOf(deliveries: readonly Delivery[]): Generator<Batch<Received>, void, undefined> {
  const [first] = deliveries
  if (deliveries.length === 1 && first !== undefined) yield* partsOf(first)
  else yield together(deliveries)
}

function* partsOf(delivery: Delivery): Generator<Batch<Received>, void, undefined> {
  for (let start = 0; start < delivery.items.length; start += MAX_BATCH_ITEMS) {
    const items = delivery.items.slice(start, start + MAX_BATCH_ITEMS)
    yield batch(items, (outcomes) => delivery.settle(start, outcomes))
  }
}

function together(deliveries: readonly Delivery[]): Batch<Received> {
  return batch(
    deliveries.flatMap(({ items }) => items),
    (outcomes) => {
      let start = 0
      for (const delivery of deliveries) {
        const end = start + delivery.items.length
        delivery.settle(0, outcomes.slice(start, end))
        start = end
      }
    },
  )
}

function batch(items: readonly Received[], settle: (outcomes: readonly Outcome[]) => void): Batch<Received> {
  let acknowledged = false
  return {
    items,
    async ack(outcomes = items.map(() => 'accepted' as const)) {
      if (acknowledged) return
      acknowledged = true
      settle(outcomes)
    },
  }
}
