import { HeadwaterError } from '../../errors.ts'
import { isGenuine } from '../../review/genuine.ts'
import { findableBy } from '../../review/verdict.ts'
import type { Damage, Stored } from '../store.ts'
import { scanPages } from './batches.ts'
import type { Asking, Session } from './connect.ts'
import { notedIn } from './notes.ts'
import { arrivedOf, dayIn, indexed, partitionOf, shardOf } from './placing.ts'
import { decodeRow, keyOf, type Layout } from './row.ts'
import type { Item } from './values.ts'

/**
 * Reads the whole table: what can't be read, and rows that an index would not lead to. DynamoDB keeps the indexes by what
 * the rows say of themselves, so that is what is compared with their records.
 */
export async function* checkStore(session: Session, layout: Layout, asking: Asking): AsyncGenerator<Damage> {
  const noted = new Set<string>()
  for await (const page of scanPages(session, { TableName: session.tables.reviews }, asking)) {
    for (const item of page) {
      asking.signal?.throwIfAborted()
      const damage = await damageOf(item)
      if (damage) yield damage
    }
  }

  async function damageOf(item: Item): Promise<Damage | undefined> {
    try {
      const record = await decodeRow(session, item, asking)
      // A row that was amended meanwhile is not what was read.
      if (!record || String(record.revision) !== item['revision']?.N) return undefined
      const problem = isGenuine(record) ? await misplaced(item, record) : 'altered'
      return problem === undefined ? undefined : { problem, keys: [record.key] }
    } catch (error) {
      if (!(error instanceof HeadwaterError) || error.code !== 'DATA_CORRUPT') throw error
      return { problem: error.message, keys: [keyOf(item)] }
    }
  }

  async function misplaced(item: Item, { key, received, verdict }: Stored): Promise<string | undefined> {
    const shard = shardOf(key, layout.shards)
    const { product, cluster } = findableBy(verdict)
    const arrived = arrivedOf(received.receivedAt, key)
    const expected: Readonly<Record<string, string | undefined>> = {
      arrived,
      day_shard: partitionOf(dayIn(arrived), shard),
      product_shard: product === undefined ? undefined : partitionOf(product, shard),
      cluster_shard: cluster === undefined ? undefined : partitionOf(cluster, shard),
    }
    for (const [name, value] of Object.entries(expected)) {
      if (item[name]?.S !== value) return `${name} is ${item[name]?.S}, expected ${value}`
    }
    if (!(await isNoted('days', dayIn(arrived)))) return `no scan by time looks at its day ${dayIn(arrived)}`
    if (cluster !== undefined && !(await isNoted('clusters', indexed(cluster))))
      return `its cluster ${cluster} is not listed`
    return undefined
  }

  async function isNoted(notebook: 'days' | 'clusters', text: string): Promise<boolean> {
    const seen = `${notebook} ${text}`
    if (noted.has(seen)) return true
    for await (const _ of notedIn(session, notebook, asking, [text, text])) noted.add(seen)
    return noted.has(seen)
  }
}
