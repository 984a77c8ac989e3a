import { HeadwaterError } from '../../errors.ts'
import { BoundedMap } from '../../lib/bounded-map.ts'
import { queryPages } from './batches.ts'
import type { Asking, Session } from './connect.ts'
import { isConditionFailed } from './translate.ts'
import { numberIn, textIn } from './values.ts'

/** The number of the layout of rows, which each row has too. */
export const FORMAT = 1

export interface Format {
  readonly format: number
  /** Into how many partitions each day, product and cluster is cut. */
  readonly shards: number
}

const FORMAT_KEY = { partition: { S: 'format' }, name: { S: 'format' } }

/** Writes it where there is none. */
export async function writeFormat(
  session: Session,
  { format, shards }: Format,
  asking: Asking,
): Promise<void> {
  await putIfAbsent(
    session,
    { ...FORMAT_KEY, format: { N: String(format) }, shards: { N: String(shards) } },
    asking,
  )
}

/** Throws `TABLES_MISSING` where there is none, and `DATA_FORMAT` where it is one that this version does not know. */
export async function readFormat({ db, ask, tables, place }: Session, asking: Asking): Promise<Format> {
  const query = { TableName: tables.registry, Key: FORMAT_KEY, ConsistentRead: true }
  const { Item: item } = await ask((options) => db.getItem(query, options), asking)
  if (!item) {
    const what = `${place}: ${tables.registry} does not say its format; \`headwater provision\` writes it`
    throw new HeadwaterError('TABLES_MISSING', what)
  }
  const format = numberIn(item, 'format')
  if (format === FORMAT) return { format, shards: numberIn(item, 'shards') }
  throw new HeadwaterError(
    'DATA_FORMAT',
    `${place}: ${tables.registry} has format ${format}, and this version of Headwater knows ${FORMAT}`,
  )
}

/** Texts that were met once: which days and clusters an index may have. None is ever taken back. */
export type Notebook = 'days' | 'clusters'

/** Makes sure that texts are noted. */
export type Note = (notebook: Notebook, texts: ReadonlySet<string>, asking: Asking) => Promise<void>

const REMEMBERED = 10_000

/** To be called before rows lead there. What this process noted it does not note again. */
export function openNotes(session: Session): Note {
  const known = new BoundedMap<string, true>(REMEMBERED)
  return async (notebook, texts, asking) => {
    for (const text of texts) {
      if (known.get(`${notebook} ${text}`)) continue
      await putIfAbsent(session, { partition: { S: notebook }, name: { S: text } }, asking)
      known.set(`${notebook} ${text}`, true)
    }
  }
}

/** All that is noted from one text up to and with another, in their order. */
export async function* notedIn(
  session: Session,
  notebook: Notebook,
  asking: Asking,
  [from, to]: readonly [string, string] = ['\0', '\u{10ffff}'],
): AsyncGenerator<string> {
  if (from > to) return
  const query = {
    TableName: session.tables.registry,
    ConsistentRead: true,
    KeyConditionExpression: '#partition = :partition AND #name BETWEEN :from AND :to',
    ExpressionAttributeNames: { '#partition': 'partition', '#name': 'name' },
    ExpressionAttributeValues: { ':partition': { S: notebook }, ':from': { S: from }, ':to': { S: to } },
  }
  for await (const page of queryPages(session, query, asking))
    for (const note of page) yield textIn(note, 'name')
}

async function putIfAbsent(
  { db, ask, tables }: Session,
  Item: Parameters<Session['db']['putItem']>[0]['Item'],
  asking: Asking,
): Promise<void> {
  const put = {
    TableName: tables.registry,
    Item,
    ConditionExpression: 'attribute_not_exists(#name)',
    ExpressionAttributeNames: { '#name': 'name' },
  }
  try {
    await ask((options) => db.putItem(put, options), asking)
  } catch (error) {
    if (!isConditionFailed(error)) throw error
  }
}
