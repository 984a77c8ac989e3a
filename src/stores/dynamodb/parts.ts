import type { Put, Update } from '@aws-sdk/client-dynamodb'
import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import { TransientError } from '../../errors.ts'
import { inParallel } from '../../lib/parallel.ts'
import { deleteItems, queryPages } from './batches.ts'
import type { Asking, Session } from './connect.ts'
import { arePartsGone, isConditionFailed } from './translate.ts'
import { bufferOf, type Item, numberIn, textIn } from './values.ts'

const decompress = promisify(zstdDecompress)

/** A piece of what is too large for its item. Its name begins with the write that made it. */
export interface Part {
  readonly name: string
  readonly bytes: Buffer
}

/** Whose parts they are: a record key, or a name in the registry. */
export type Owner = string

/** A write of one item, under a condition. */
export type Change = { readonly Put: Put } | { readonly Update: Update & { UpdateExpression: string } }

/**
 * Writes an item and the parts that it names: the parts first, then the item while they are still there, so that no item
 * ever names parts that are not. Of the parts the first is written before the others: whoever deletes any of them finds it as
 * well, so that its being there says that all are. Undefined where the condition of the item does not hold; else what a `Put` of
 * an item without parts has replaced.
 */
export async function commit(
  session: Session,
  change: Change,
  { owner, parts, expires }: { owner: Owner; parts: readonly Part[]; expires?: Item },
  asking: Asking,
): Promise<{ readonly before: Item } | undefined> {
  const { db, ask, tables, place, concurrency } = session
  const write = ({ name, bytes }: Part) => {
    const Item = { ...keyOf(owner, name), bytes: { B: bytes }, ...expires }
    return ask((options) => db.putItem({ TableName: tables.parts, Item }, options), asking)
  }
  const [first, ...others] = parts
  if (first) await write(first)
  await inParallel(others, write, concurrency)
  try {
    const before = await ask(async (options): Promise<Item | undefined> => {
      if (first) {
        const isThere = { TableName: tables.parts, Key: keyOf(owner, first.name), ...IS_THERE }
        await db.transactWriteItems({ TransactItems: [{ ConditionCheck: isThere }, change] }, options)
        return undefined
      }
      if ('Put' in change)
        return (await db.putItem({ ...change.Put, ReturnValues: 'ALL_OLD' }, options)).Attributes
      await db.updateItem(change.Update, options)
      return undefined
    }, asking)
    return { before: before ?? {} }
  } catch (error) {
    if (arePartsGone(error)) {
      const what = `${place}: the parts of ${owner} were removed while it was written; try again`
      throw new TransientError('CONFLICT', what, { cause: error })
    }
    if (isConditionFailed(error)) return undefined
    throw error
  }
}

const IS_THERE = {
  ConditionExpression: 'attribute_exists(#part)',
  ExpressionAttributeNames: { '#part': 'part' },
}

const keyOf = (owner: Owner, name: string): Item => ({ owner: { S: owner }, part: { S: name } })

/**
 * The bytes of a blob, whichever way it is kept. Undefined where its parts are gone: somebody has replaced or removed the
 * item since it was read.
 */
export async function readBlob(
  session: Session,
  item: Item,
  { owner, name }: { owner: Owner; name: string },
  asking: Asking = {},
): Promise<Buffer | undefined> {
  const { [name]: whole, [`${name}_zstd`]: packed, [`${name}_parts`]: named } = item
  if (whole?.S !== undefined) return Buffer.from(whole.S)
  if (whole?.B) return bufferOf(whole.B)
  if (packed?.B) return decompress(packed.B)
  if (!named?.M) throw new Error(`neither ${name} nor parts of it are there`)
  const { M: listed } = named
  const pieces: Buffer[] = []
  for await (const page of partsOf(session, owner, `${textIn(listed, 'write')}/${name}/`, asking)) {
    for (const { bytes } of page) if (bytes?.B) pieces.push(bufferOf(bytes.B))
  }
  if (pieces.length < numberIn(listed, 'count')) return undefined
  const bytes = Buffer.concat(pieces)
  if (hash('sha256', bytes, 'hex') !== textIn(listed, 'sha256'))
    throw new Error(`the parts of ${name} are not those that were written`)
  return listed['zstd']?.BOOL === true ? decompress(bytes) : bytes
}

/** The writes whose parts an item names. */
export const writesIn = (item: Item): readonly string[] =>
  Object.entries(item).flatMap(([name, value]) =>
    name.endsWith('_parts') ? (value.M?.['write']?.S ?? []) : [],
  )

/** The names of parts that begin so. */
export async function partNames(
  session: Session,
  owner: Owner,
  { prefix = '' }: { readonly prefix?: string },
  asking: Asking = {},
): Promise<readonly string[]> {
  const names: string[] = []
  for await (const page of partsOf(session, owner, prefix, asking, 'part'))
    names.push(...page.map((part) => textIn(part, 'part')))
  return names
}

/** Deletes these parts; those that are not there are no error. */
export async function deleteNamed(
  session: Session,
  owner: Owner,
  names: readonly string[],
  asking: Asking = {},
): Promise<void> {
  const keys = names.map((name) => keyOf(owner, name))
  await deleteItems(session, session.tables.parts, keys, asking)
}

/** Deletes the parts whose names begin so. Resolves to how many there were. */
export async function deleteParts(
  session: Session,
  owner: Owner,
  which: { readonly prefix?: string },
  asking: Asking = {},
): Promise<number> {
  const names = await partNames(session, owner, which, asking)
  await deleteNamed(session, owner, names, asking)
  return names.length
}

function partsOf(session: Session, owner: Owner, prefix: string, asking: Asking, only?: string) {
  return queryPages(
    session,
    {
      TableName: session.tables.parts,
      ConsistentRead: true,
      KeyConditionExpression: `#owner = :owner${prefix === '' ? '' : ' AND begins_with(#part, :prefix)'}`,
      ExpressionAttributeNames: { '#owner': 'owner', ...((prefix !== '' || only) && { '#part': 'part' }) },
      ExpressionAttributeValues: {
        ':owner': { S: owner },
        ...(prefix !== '' && { ':prefix': { S: prefix } }),
      },
      ...(only && { ProjectionExpression: '#part' }),
    },
    asking,
  )
}
