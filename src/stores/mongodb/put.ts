import type { Collection } from 'mongodb'
import type { Cancellable, Refusal } from '../../batch.ts'
import type { Arrival } from '../../review/record.ts'
import type { PutOutcome } from '../store.ts'
import type { Session } from './connect.ts'
import { packRaw, type RawParts } from './raw.ts'
import { encodePlain, encodeRow, type Row } from './row.ts'
import { outcomesIn } from './write-errors.ts'

const CHUNK_ROWS = 500
const CHUNK_BYTES = 4 * 1024 * 1024
const IN_FLIGHT = 4

/**
 * The first write of a key wins by the unique `_id`. A repeated write finds its row there, so that whatever is unknown after an
 * error is settled by asking again.
 */
export function createPut({ ask }: Session, rows: Collection<Row>, parts: RawParts, clock: () => number) {
  async function insert(chunk: readonly Row[], options: Cancellable): Promise<readonly PutOutcome[]> {
    let known: ReadonlyMap<number, 'unchanged' | Refusal> = new Map()
    await ask(async () => {
      try {
        await rows.insertMany(chunk, { ordered: false })
      } catch (error) {
        const outcomes = outcomesIn(error)
        if (outcomes === undefined) throw error
        known = outcomes
      }
    }, options)
    return chunk.map((_, n) => known.get(n) ?? 'stored')
  }

  /** Nobody sees parts before there is a row. Whoever erases the record meanwhile may take some away. */
  async function insertWithParts(row: Row, raw: Buffer, options: Cancellable): Promise<PutOutcome> {
    await parts.write(row, raw, options)
    const [outcome = 'unchanged'] = await insert([row], options)
    if (outcome === 'stored') {
      if (!(await parts.has(row, options))) await parts.write(row, raw, options)
      return outcome
    }
    const first = await ask(
      () => rows.findOne({ _id: row._id }, { projection: { rawHash: 1, rawAs: 1 } }),
      options,
    )
    if (first?.rawAs !== 'parts' || first.rawHash !== row.rawHash) await parts.remove(row, options)
    return outcome
  }

  return async function put(
    arrivals: readonly Arrival[],
    options: Cancellable = {},
  ): Promise<readonly PutOutcome[]> {
    const first = new Map<string, Arrival>()
    for (const arrival of arrivals) if (!first.has(arrival.key)) first.set(arrival.key, arrival)
    const outcomes = new Map<string, PutOutcome>()

    async function write(chunk: readonly Arrival[]): Promise<void> {
      const plain: Row[] = []
      const storedAt = clock()
      for (const arrival of chunk) {
        const { raw } = arrival.received
        const row = encodePlain(arrival, storedAt) ?? (await encodeRow(arrival, await packRaw(raw), storedAt))
        if (row === undefined) outcomes.set(arrival.key, TOO_LARGE)
        else if (row.rawAs === 'parts') outcomes.set(row._id, await insertWithParts(row, raw, options))
        else plain.push(row)
      }
      const settled = plain.length === 0 ? [] : await insert(plain, options)
      plain.forEach(({ _id }, n) => outcomes.set(_id, settled[n] ?? 'stored'))
    }

    const chunks = chunksOf(first.values())
    const writing = Array.from({ length: IN_FLIGHT }, async () => {
      for (const chunk of chunks) await write(chunk)
    })
    // Nothing is under way any more when the caller hears of trouble and asks again.
    const failed = (await Promise.allSettled(writing)).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
    return arrivals.map(({ key }) => {
      const outcome = outcomes.get(key) ?? 'unchanged'
      if (outcome === 'stored') outcomes.set(key, 'unchanged')
      return outcome
    })
  }
}

const TOO_LARGE: Refusal = {
  code: 'too_large',
  message: 'what is said of this record besides raw is more than a document of MongoDB holds beside it',
}

function* chunksOf(arrivals: Iterable<Arrival>): Generator<readonly Arrival[]> {
  let chunk: Arrival[] = []
  let bytes = 0
  for (const arrival of arrivals) {
    const size = arrival.head.length + arrival.received.raw.length
    if (chunk.length === CHUNK_ROWS || (chunk.length > 0 && bytes + size > CHUNK_BYTES)) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(arrival)
    bytes += size
  }
  if (chunk.length > 0) yield chunk
}
