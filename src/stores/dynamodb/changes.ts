import { inParallel } from '../../lib/parallel.ts'
import type { Verdict } from '../../review/verdict.ts'
import { deleteItems } from './batches.ts'
import type { Asking, Session } from './connect.ts'
import type { Note } from './notes.ts'
import { commit, deleteParts, writesIn } from './parts.ts'
import { indexed, rowKey, rowKeys } from './placing.ts'
import { encodeVerdict, getRow, type Layout, partsExpiryOf, VERDICT_ATTRIBUTES } from './row.ts'
import { type Item, numberIn } from './values.ts'

export interface Changes {
  amend(key: string, revision: number, verdict: Verdict, asking: Asking): Promise<boolean>
  erase(keys: readonly string[], asking: Asking): Promise<void>
}

/** Everything that happens to rows after they were stored. */
export function openChanges(session: Session, layout: Layout, note: Note): Changes {
  /** Sets what a verdict says, and nothing else: DynamoDB moves the row in the indexes by itself. */
  async function amend(key: string, revision: number, verdict: Verdict, asking: Asking): Promise<boolean> {
    const row = await getRow(session, key, asking)
    if (!row || numberIn(row, 'revision') !== revision) return false
    const rest = Object.fromEntries(
      Object.entries(row).filter(([name]) => !VERDICT_ATTRIBUTES.includes(name)),
    )
    const { attributes, parts } = await encodeVerdict(key, verdict, rest, layout)
    if (attributes['cluster_shard'] && verdict.status === 'rejected')
      await note('clusters', new Set([indexed(verdict.cluster)]), asking)
    const amended = await commit(
      session,
      { Update: update(session, key, revision, attributes) },
      { owner: key, parts, expires: partsExpiryOf(row) },
      { ...asking, once: true },
    )
    const { verdict_parts: gone } = amended ? row : attributes
    const write = gone?.M?.['write']?.S
    if (write !== undefined) await deleteParts(session, key, { prefix: `${write}/verdict/` }, asking)
    return amended !== undefined
  }

  async function erase(keys: readonly string[], asking: Asking): Promise<void> {
    await deleteItems(session, session.tables.reviews, rowKeys(keys), asking)
    await inParallel([...new Set(keys)], (key) => eraseParts(key, asking), session.concurrency)
  }

  /** A row that was put at the same time, and names parts that are gone now, goes as well. */
  async function eraseParts(key: string, asking: Asking): Promise<void> {
    const Key = rowKey(key)
    if (!Key || (await deleteParts(session, key, {}, asking)) === 0) return
    const row = await getRow(session, key, asking)
    if (row && writesIn(row).length > 0) await deleteItems(session, session.tables.reviews, [Key], asking)
  }

  return { amend, erase }
}

function update({ tables }: Session, key: string, revision: number, attributes: Item) {
  const changes: Item = { ...attributes, revision: { N: String(revision + 1) } }
  const gone = VERDICT_ATTRIBUTES.filter((name) => !Object.hasOwn(changes, name))
  const set = Object.keys(changes).map((name) => `#${name} = :${name}`)
  const names = [...Object.keys(changes), ...gone].map((name) => [`#${name}`, name] as const)
  return {
    TableName: tables.reviews,
    Key: rowKey(key) ?? {},
    UpdateExpression: `SET ${set.join(', ')} REMOVE ${gone.map((name) => `#${name}`).join(', ')}`,
    ConditionExpression: '#revision = :seen',
    ExpressionAttributeNames: Object.fromEntries(names),
    ExpressionAttributeValues: {
      ...Object.fromEntries(Object.entries(changes).map(([name, value]) => [`:${name}`, value])),
      ':seen': { N: String(revision) },
    },
  }
}
