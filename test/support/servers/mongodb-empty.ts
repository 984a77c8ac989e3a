import { type Document, Long } from 'mongodb'

const INDEXES: Readonly<Record<string, object>> = {
  by_time: { receivedAt: 1, _id: 1 },
  by_product: { product: 1, receivedAt: 1, _id: 1 },
  by_review: { reviewKey: 1, receivedAt: 1, _id: 1 },
  by_cluster: { cluster: 1, receivedAt: 1, _id: 1 },
  dead_letter_bytes: { status: 1, rawLength: 1 },
  by_key: { key: 1 },
}

/** What a provisioned database answers that takes everything and keeps nothing. */
export function provisionedEmpty(command: Document): Document {
  if ('listCollections' in command)
    return page(['reviews', 'parts', 'registry'].map((name) => ({ name, type: 'collection' })))
  if ('listIndexes' in command)
    return page(Object.entries(INDEXES).map(([name, key]) => ({ name, key, v: 2 })))
  if ('find' in command || 'aggregate' in command) return page([])
  if ('findAndModify' in command) return { ok: 1, value: { _id: '', revision: 1_000 } }
  if ('delete' in command) return { ok: 1, n: 0 }
  const documents = command['documents'] as readonly Document[] | undefined
  return { ok: 1, n: documents?.length ?? 1, nModified: 1 }
}

const page = (firstBatch: readonly object[]): Document => ({
  ok: 1,
  cursor: { id: Long.ZERO, ns: 'headwater.any', firstBatch },
})
