import type { Collection, CreateIndexesOptions, Db } from 'mongodb'
import { isDeepStrictEqual } from 'node:util'
import type { Cancellable } from '../../batch.ts'
import { HeadwaterError } from '../../errors.ts'
import type { Session } from './connect.ts'
import type { Part } from './raw.ts'
import type { Row } from './row.ts'

/** A name of the registry with its value; the document without a name hands out revisions. */
export interface RegistryRow {
  readonly _id: string
  readonly value?: Buffer
  readonly revision: number
}

export interface Collections {
  readonly reviews: Collection<Row>
  readonly parts: Collection<Part>
  readonly registry: Collection<RegistryRow>
}

export const collectionsIn = (db: Db, prefix: string): Collections => ({
  reviews: db.collection(`${prefix}reviews`),
  parts: db.collection(`${prefix}parts`),
  registry: db.collection(`${prefix}registry`),
})

interface Index {
  readonly key: Readonly<Record<string, 1>>
  readonly partialFilterExpression?: object
}

/** One index for each way that rows are looked for; each in the order of its scan. */
const INDEXES = {
  reviews: {
    by_time: { key: { receivedAt: 1, _id: 1 } },
    by_product: { key: { product: 1, receivedAt: 1, _id: 1 } },
    by_review: { key: { reviewKey: 1, receivedAt: 1, _id: 1 } },
    by_cluster: {
      key: { cluster: 1, receivedAt: 1, _id: 1 },
      partialFilterExpression: { cluster: { $exists: true } },
    },
    dead_letter_bytes: {
      key: { status: 1, rawLength: 1 },
      partialFilterExpression: { status: 'rejected' },
    },
  },
  parts: { by_key: { key: { key: 1 } } },
  registry: {},
} satisfies Record<keyof Collections, Record<string, Index>>

export type RowIndex = keyof (typeof INDEXES)['reviews']

/**
 * As much of a query as the server sends in one answer, which is never more than 16 MiB, and keeps nothing of it open: less than
 * the limit is not the end. By itself it would begin with 101 documents.
 */
export const onePage = (limit: number) => ({ limit, batchSize: limit, singleBatch: true })

const KINDS = Object.keys(INDEXES) as (keyof Collections)[]
const NAMESPACE_EXISTS = 48
/** The counter of revisions. No name of the registry is empty. */
export const COUNTER = ''

/** Makes what is not there yet. Throws `TABLES_MISSING` where something with other properties is in its place. */
export async function provisionCollections(
  session: Session,
  prefix: string,
  options: Cancellable,
): Promise<void> {
  const collections = collectionsIn(session.db, prefix)
  const { ask, db } = session
  for (const kind of KINDS) {
    const { collectionName } = collections[kind]
    await ask(() => db.createCollection(collectionName).catch(unlessThere), options)
    const there = new Set((await indexesOf(session, collectionName, options)).map(({ name }) => name))
    for (const [name, { key, ...rest }] of indexesFor(kind)) {
      const how: CreateIndexesOptions = { name, ...rest }
      if (!there.has(name)) await ask(() => db.collection(collectionName).createIndex(key, how), options)
    }
  }
  const counter = { $setOnInsert: { revision: 0 } }
  await ask(() => collections.registry.updateOne({ _id: COUNTER }, counter, { upsert: true }), options)
  await requireCollections(session, prefix, options)
}

function unlessThere(error: unknown): void {
  const isThere = error instanceof Error && 'code' in error && error.code === NAMESPACE_EXISTS
  if (!isThere) throw error
}

/** Throws `TABLES_MISSING`, which names all that is missing or different. */
export async function requireCollections(
  session: Session,
  prefix: string,
  options: Cancellable,
): Promise<void> {
  const problems: string[] = []
  const collections = collectionsIn(session.db, prefix)
  const names = KINDS.map((kind) => collections[kind].collectionName)
  const listed = await session.ask(
    () => session.db.listCollections({ name: { $in: names } }).toArray(),
    options,
  )
  for (const kind of KINDS) {
    const { collectionName } = collections[kind]
    const found = listed.find(({ name }) => name === collectionName)
    if (found === undefined) problems.push(`the collection ${collectionName} is not there`)
    else
      problems.push(
        ...oddities(collectionName, found),
        ...(await wrongIndexes(session, kind, collectionName, options)),
      )
  }
  if (problems.length === 0) return
  const what = `${problems.join('; ')} (database ${session.db.databaseName})`
  throw new HeadwaterError(
    'TABLES_MISSING',
    `${what}: run \`headwater provision\`, which makes what is missing`,
  )
}

/** What makes of a collection something else than a plain one. */
function oddities(
  collection: string,
  found: { readonly type?: string; readonly options?: object },
): readonly string[] {
  const type = found.type ?? 'collection'
  const odd = ['capped', 'collation', 'timeseries'].filter((name) => isSet(found.options, name))
  return [
    ...(type === 'collection' ? [] : [`${collection} is a ${type}`]),
    ...odd.map((name) => `the collection ${collection} was made with ${name} and must not be`),
  ]
}

function isSet(options: object | undefined, name: string): boolean {
  const value: unknown = options && Object.entries(options).find(([key]) => key === name)?.[1]
  return value !== undefined && value !== false
}

async function wrongIndexes(
  session: Session,
  kind: keyof Collections,
  collection: string,
  options: Cancellable,
): Promise<readonly string[]> {
  const there = await indexesOf(session, collection, options)
  return indexesFor(kind).flatMap(([name, { key }]) => {
    const found = there.find((index) => index.name === name)
    if (found === undefined) return [`the index ${name} of ${collection} is not there`]
    const isRight = isDeepStrictEqual(Object.entries(found.key), Object.entries(key))
    return isRight
      ? []
      : [`the index ${name} of ${collection} is on ${JSON.stringify(found.key)}, not ${JSON.stringify(key)}`]
  })
}

const indexesFor = (kind: keyof Collections): readonly [string, Index][] => Object.entries(INDEXES[kind])

async function indexesOf({ ask, db }: Session, collection: string, options: Cancellable) {
  const found = await ask(() => db.collection(collection).indexes(), options)
  return found.map(({ name, key }) => ({ name: name ?? '', key: key as Readonly<Record<string, unknown>> }))
}
