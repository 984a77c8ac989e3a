import type { CreateTableInput, TableDescription } from '@aws-sdk/client-dynamodb'
import { HeadwaterError } from '../../errors.ts'
import type { Asking, Session } from './connect.ts'

export type TableKind = keyof Session['tables']

interface Shape {
  readonly keys: readonly [string, string]
  /** By name; each holds nothing but keys, its own and those of the table. */
  readonly indexes: Readonly<Record<string, readonly [string, string]>>
}

/** Where rows are found by something else than their key. An index has the rows that have its first attribute. */
export const INDEXES = {
  by_time: ['day_shard', 'arrived'],
  by_product: ['product_shard', 'arrived'],
  by_cluster: ['cluster_shard', 'arrived'],
} as const
export type Index = keyof typeof INDEXES

const SHAPES: Readonly<Record<TableKind, Shape>> = {
  reviews: { keys: ['review_half', 'content_half'], indexes: INDEXES },
  parts: { keys: ['owner', 'part'], indexes: {} },
  registry: { keys: ['partition', 'name'], indexes: {} },
}
export const KINDS = Object.keys(SHAPES) as readonly TableKind[]

/** What CreateTable takes: every key is text. */
export function tableInput(name: string, kind: TableKind): CreateTableInput {
  const { keys, indexes } = SHAPES[kind]
  const names = new Set([...keys, ...Object.values(indexes).flat()])
  const own = Object.entries(indexes).map(([index, of]) => ({
    IndexName: index,
    KeySchema: schemaOf(of),
    Projection: { ProjectionType: 'KEYS_ONLY' as const },
  }))
  return {
    TableName: name,
    KeySchema: schemaOf(keys),
    AttributeDefinitions: Array.from(names, (key) => ({ AttributeName: key, AttributeType: 'S' as const })),
    ...(own.length > 0 && { GlobalSecondaryIndexes: own }),
  }
}

function schemaOf([hash, range]: readonly [string, string]) {
  return [
    { AttributeName: hash, KeyType: 'HASH' as const },
    { AttributeName: range, KeyType: 'RANGE' as const },
  ]
}

/** Throws `TABLES_MISSING` unless these tables are there and as they must be. */
export async function checkTables(
  session: Session,
  kinds: readonly TableKind[],
  asking: Asking,
): Promise<void> {
  const described = await Promise.all(kinds.map((kind) => describe(session, kind, asking)))
  const problems = kinds.flatMap((kind, n) => {
    const table = described[n]
    const name = session.tables[kind]
    return table ? differences(table, kind).map((what) => `${name} ${what}`) : [`there is no ${name}`]
  })
  if (problems.length === 0) return
  throw new HeadwaterError(
    'TABLES_MISSING',
    `${session.place}: ${problems.join('; ')}; \`headwater provision\` makes what is not there`,
  )
}

/** Undefined where there is no such table. */
export async function describe(
  { db, ask, tables }: Session,
  kind: TableKind,
  asking: Asking,
): Promise<TableDescription | undefined> {
  try {
    const answer = await ask((options) => db.describeTable({ TableName: tables[kind] }, options), asking)
    return answer.Table
  } catch (error) {
    if (error instanceof HeadwaterError && error.code === 'TABLES_MISSING') return undefined
    throw error
  }
}

/** What is not as it must be, each with what was found. */
export function differences(table: TableDescription, kind: TableKind): readonly string[] {
  const { keys, indexes } = SHAPES[kind]
  const found: string[] = []
  const status = table.TableStatus ?? 'unknown'
  if (status !== 'ACTIVE' && status !== 'UPDATING') found.push(`is ${status}, expected ACTIVE`)
  compare('its keys are', table.KeySchema, keys)
  for (const [name, of] of Object.entries(indexes)) {
    const index = table.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === name)
    if (!index) found.push(`has no index ${name} (${of.join(', ')})`)
    else compare(`the keys of its index ${name} are`, index.KeySchema, of)
  }
  return found

  function compare(
    what: string,
    schema: readonly { AttributeName: string | undefined }[] = [],
    expected: readonly string[],
  ) {
    const names = schema.map(({ AttributeName }) => AttributeName).join(', ')
    if (names !== expected.join(', ')) found.push(`${what} ${names}, expected ${expected.join(', ')}`)
  }
}
