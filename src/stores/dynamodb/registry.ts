import { hash, randomBytes } from 'node:crypto'
import { HeadwaterError } from '../../errors.ts'
import type { Entry, Registry } from '../registry.ts'
import { queryPages } from './batches.ts'
import type { Asking, Session } from './connect.ts'
import { behind, ENTRIES, headOf, marked, type Place, placeOf } from './names.ts'
import { commit, deleteNamed, deleteParts, partNames, readBlob, writesIn } from './parts.ts'
import { MOST_ITEM_BYTES, spill } from './spill.ts'
import { isConditionFailed } from './translate.ts'
import { type Item, numberIn, textIn } from './values.ts'

/** Marks are remembered: so many at most, and then anew. */
const MOST_MARKS = 1_000
/** What the rest of an entry takes, at most. */
const ENTRY_BYTES = 4_096

/**
 * A registry on tables that are there. It owns the session. A revision is drawn at random from 2^53, so that none is ever
 * seen again on another entry that took a name.
 */
export function createRegistry(session: Session): Registry {
  const { db, ask, tables } = session
  const marks = new Set<string>()

  async function get(name: string, asking: Asking): Promise<Entry | undefined> {
    const place = placeOf(name)
    for (let looks = 0; ; looks++) {
      const query = { TableName: tables.registry, Key: keyOf(place), ConsistentRead: true }
      const { Item: item } = await ask((options) => db.getItem(query, options), asking)
      if (!item) return undefined
      const entry = await entryOf(name, item, asking)
      if (entry) return entry
      // It was replaced meanwhile.
      if (looks === 3)
        throw new HeadwaterError('DATA_CORRUPT', `${tables.registry}: the parts of ${name} are not there`)
    }
  }

  async function entryOf(name: string, item: Item, asking: Asking): Promise<Entry | undefined> {
    const value = await readBlob(session, item, { owner: ownerOf(name), name: 'value' }, asking)
    return value && { name, value, revision: numberIn(item, 'revision') }
  }

  async function compareAndSet(
    name: string,
    revision: number,
    value: Uint8Array,
    asking: Asking,
  ): Promise<boolean> {
    const place = placeOf(name)
    await mark(place, asking)
    const next = newRevision()
    const blob = { name: 'value', bytes: Buffer.from(value) }
    const { attributes, parts } = await spill([blob], MOST_ITEM_BYTES - ENTRY_BYTES, String(next))
    const item: Item = {
      ...keyOf(place),
      revision: { N: String(next) },
      changed_at: { S: new Date().toISOString() },
      ...attributes,
    }
    const owner = ownerOf(name)
    // A transaction does not tell what it has replaced. What is there before can't be of a value that is written behind this one.
    const older = parts.length > 0 ? await partNames(session, owner, {}, asking) : []
    const Put = { TableName: tables.registry, Item: item, ...unchangedSince(revision) }
    const set = await commit(session, { Put }, { owner, parts }, { ...asking, once: true })
    if (!set && parts.length > 0) await deleteParts(session, owner, { prefix: `${next}/` }, asking)
    if (set) {
      await deleteNamed(session, owner, older, asking)
      await withdraw(owner, set.before, asking)
    }
    return set !== undefined
  }

  async function remove(name: string, revision: number, asking: Asking): Promise<boolean> {
    const place = placeOf(name)
    if (revision === 0) return false
    const deletion = {
      TableName: tables.registry,
      Key: keyOf(place),
      ReturnValues: 'ALL_OLD' as const,
      ...unchangedSince(revision),
    }
    try {
      const once = { ...asking, once: true }
      const { Attributes: before = {} } = await ask((options) => db.deleteItem(deletion, options), once)
      await withdraw(ownerOf(name), before, asking)
      return true
    } catch (error) {
      if (isConditionFailed(error)) return false
      throw error
    }
  }

  /** Deletes the parts of an entry that was replaced, and no others: somebody else may have written the next one by now. */
  async function withdraw(owner: string, before: Item, asking: Asking): Promise<void> {
    for (const write of writesIn(before)) await deleteParts(session, owner, { prefix: `${write}/` }, asking)
  }

  async function mark({ mark: name }: Place, asking: Asking): Promise<void> {
    if (name === undefined || marks.has(name)) return
    const Item = { partition: { S: ENTRIES }, name: { S: name } }
    await ask((options) => db.putItem({ TableName: tables.registry, Item }, options), asking)
    if (marks.size >= MOST_MARKS) marks.clear()
    marks.add(name)
  }

  async function* list(prefix: string, asking: Asking): AsyncGenerator<Entry> {
    const head = headOf(prefix)
    if (head.length < prefix.length)
      return yield* entriesIn(behind(head), head, prefix.slice(head.length), asking)
    yield* entriesIn(ENTRIES, '', prefix, asking)
  }

  /** `before` is what the names of a partition have in common, and what their items leave out. */
  async function* entriesIn(
    partition: string,
    before: string,
    prefix: string,
    asking: Asking,
  ): AsyncGenerator<Entry> {
    for await (const page of queryPages(session, namesFrom(tables.registry, partition, prefix), asking)) {
      for (const item of page) {
        asking.signal?.throwIfAborted()
        const name = before + textIn(item, 'name')
        if (!item['revision']) yield* entriesIn(behind(marked(name)), marked(name), '', asking)
        else {
          const entry = (await entryOf(name, item, asking)) ?? (await get(name, asking))
          if (entry) yield entry
        }
      }
    }
  }

  return {
    get: (name, options = {}) => get(name, options),
    compareAndSet: (name, revision, value, options = {}) => compareAndSet(name, revision, value, options),
    list: (prefix, options = {}) => list(prefix, options),
    remove: (name, revision, options = {}) => remove(name, revision, options),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}

const keyOf = ({ partition, name }: Place): Item => ({ partition: { S: partition }, name: { S: name } })

/** Whose the parts of an entry are: the name itself may be too long. */
const ownerOf = (name: string): string => `registry/${hash('sha256', name, 'hex')}`

function unchangedSince(revision: number) {
  const names = { ExpressionAttributeNames: { '#revision': 'revision' } }
  if (revision === 0) return { ConditionExpression: 'attribute_not_exists(#revision)', ...names }
  return {
    ConditionExpression: '#revision = :seen',
    ExpressionAttributeValues: { ':seen': { N: String(revision) } },
    ...names,
  }
}

function namesFrom(table: string, partition: string, prefix: string) {
  const isAll = prefix === ''
  return {
    TableName: table,
    ConsistentRead: true,
    KeyConditionExpression: `#partition = :partition${isAll ? '' : ' AND begins_with(#name, :prefix)'}`,
    ExpressionAttributeNames: { '#partition': 'partition', ...(!isAll && { '#name': 'name' }) },
    ExpressionAttributeValues: {
      ':partition': { S: partition },
      ...(!isAll && { ':prefix': { S: prefix } }),
    },
  }
}

/** From 1 to 2^53 - 1. */
function newRevision(): number {
  return Number(randomBytes(8).readBigUInt64BE() >> 11n) || newRevision()
}
