import type { Logger } from '../../adapter.ts'
import { HeadwaterError } from '../../errors.ts'
import type { Config } from './config.ts'
import { placeOf, type Session } from './connect.ts'
import { createTable, GRACE_SECONDS, TABLES, type TableName } from './tables.ts'

/** A change of the schema has to reach every node. */
const SLOW = { timeoutMs: 60_000 }

const ALL = Object.keys(TABLES) as readonly TableName[]

/**
 * Makes the keyspace and the tables that are missing, and adds the columns that a table lacks. What is there stays as it is: a
 * keyspace with other copies is named in the log, a table with another key, or a column of another type or dropped, is an error.
 */
export async function provisionTables(session: Session, config: Config, logger: Logger): Promise<void> {
  const { keyspace, localDataCenter, replication = { [localDataCenter]: 3 } } = config
  const found = await keyspaceOf(session, keyspace)
  if (found === undefined) {
    const copies = Object.entries({ class: 'NetworkTopologyStrategy', ...replication })
    const map = copies.map(([name, value]) => `${quoted(name)}: ${quoted(String(value))}`).join(', ')
    await session.run(`CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = { ${map} }`, [], SLOW)
  } else if (config.replication !== undefined && !isSame(found.copies, replication)) {
    logger.warn(
      { expected: replication, found: found.copies },
      `store.replication: keyspace ${keyspace} has other copies, which stay: ALTER KEYSPACE changes them, and a repair makes them`,
    )
  }
  for (const table of ALL) await session.run(createTable(keyspace, table), [], SLOW)
  await addColumns(session, config)
  await checkTables(session, config, ALL)
  await warnOfGrace(session, keyspace, logger)
}

/** Names tables that keep deletions longer than ours, so that reading them would be slow, and fail in the end. */
async function warnOfGrace(session: Session, keyspace: string, logger: Logger): Promise<void> {
  const query = 'SELECT gc_grace_seconds FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?'
  for (const [table, expected] of Object.entries(GRACE_SECONDS)) {
    const [row] = await session.run(query, [keyspace, table])
    const found = Number(row?.['gc_grace_seconds'])
    if (found > expected)
      logger.warn(
        { table, expected, found },
        `${keyspace}.${table} keeps deletions for ${found} s, and becomes slow to read where much was deleted: ALTER TABLE ${keyspace}.${table} WITH gc_grace_seconds = ${expected}`,
      )
  }
}

async function addColumns(session: Session, config: Config): Promise<void> {
  const { keyspace } = config
  const columns = await columnsOf(session, keyspace)
  const dropped = await session.run(
    'SELECT table_name, column_name FROM system_schema.dropped_columns WHERE keyspace_name = ?',
    [keyspace],
  )
  for (const table of ALL) {
    for (const [name, type] of lacking(table, columns.get(table))) {
      if (dropped.some((one) => one['table_name'] === table && one['column_name'] === name))
        throw new HeadwaterError(
          'TABLES_MISSING',
          `store.keyspace: ${placeOf(config)}: ${table}.${name} was dropped and can not be added again: Cassandra hides what ` +
            'is older than that, and a first write has a time before 1970. Restore the table from a snapshot',
        )
      await session.run(`ALTER TABLE ${keyspace}.${table} ADD ${name} ${type}`, [], SLOW)
    }
  }
}

/** Throws `TABLES_MISSING` unless all are there with all their columns. */
export async function checkTables(
  session: Session,
  config: Config,
  tables: readonly TableName[],
): Promise<void> {
  const columns = await columnsOf(session, config.keyspace)
  const problems = tables.flatMap((table) => {
    const found = columns.get(table)
    return found === undefined ? [`table ${table} is missing`] : differences(table, found)
  })
  if (problems.length === 0) return
  const shown = problems.length > 3 ? [...problems.slice(0, 3), `and ${problems.length - 3} more`] : problems
  throw new HeadwaterError(
    'TABLES_MISSING',
    `store.keyspace: ${placeOf(config)}: ${shown.join('; ')}: run \`headwater provision\`, which makes what is missing`,
  )
}

/**
 * Asks for what every change needs, and changes nothing: that we may read and write, and that a quorum answers. Where we may not,
 * the opening says so, and not the first review.
 */
export async function checkAccess(session: Session, table: 'reviews' | 'registry'): Promise<void> {
  const { primary } = TABLES[table]
  await session.decide(`DELETE FROM ${table} WHERE ${primary} = ? IF revision = ?`, [
    'none',
    table === 'reviews' ? -1 : -1n,
  ])
}

type Column = Readonly<Record<string, unknown>>

/** The columns of a keyspace, by their tables. */
async function columnsOf(
  session: Session,
  keyspace: string,
): Promise<ReadonlyMap<unknown, readonly Column[]>> {
  const columns = await session.run(
    'SELECT table_name, column_name, type, kind, position FROM system_schema.columns WHERE keyspace_name = ?',
    [keyspace],
  )
  return Map.groupBy(columns, (column) => column['table_name'])
}

/** The columns, with their types, that can be added to a table. One with another key is not ours. */
function lacking(table: TableName, found: readonly Column[] = []): readonly (readonly [string, string])[] {
  const { primary, ...columns } = TABLES[table]
  if (keyOf(found) !== primary) return []
  return Object.entries(columns).filter(([name]) => !found.some((one) => one['column_name'] === name))
}

function differences(table: TableName, found: readonly Column[]): string[] {
  const { primary, ...columns } = TABLES[table]
  const key = keyOf(found)
  if (key !== primary) return [`${table}: expected PRIMARY KEY (${primary}), found (${key})`]
  return Object.entries(columns).flatMap(([name, type]) => {
    const column = found.find((one) => one['column_name'] === name)
    if (column === undefined) return [`${table} has no column ${name} ${type}`]
    if (column['type'] === type) return []
    return [`${table}.${name}: expected ${type}, found ${String(column['type'])}`]
  })
}

/** The primary key as it is written. */
function keyOf(columns: readonly Column[]): string {
  const named = (kind: string): string[] =>
    columns
      .filter((column) => column['kind'] === kind)
      .toSorted((a, b) => Number(a['position']) - Number(b['position']))
      .map((column) => String(column['column_name']))
  const partition = named('partition_key')
  const first = partition.length > 1 ? `(${partition.join(', ')})` : partition[0]
  return [first, ...named('clustering')].join(', ')
}

interface Keyspace {
  readonly copies: Readonly<Record<string, number>>
  readonly isDurable: boolean
}

async function keyspaceOf(session: Session, keyspace: string): Promise<Keyspace | undefined> {
  const [row] = await session.run(
    'SELECT replication, durable_writes FROM system_schema.keyspaces WHERE keyspace_name = ?',
    [keyspace],
  )
  if (!row) return undefined
  const { class: _, ...copies } = row['replication'] as Record<string, string>
  return {
    copies: Object.fromEntries(Object.entries(copies).map(([name, count]) => [name, Number(count)])),
    isDurable: row['durable_writes'] === true,
  }
}

/** Names settings of the keyspace with which a write that was acknowledged can be lost. */
export async function warnOfWeakness(session: Session, config: Config, logger: Logger): Promise<void> {
  const { keyspace, localDataCenter } = config
  const found = await keyspaceOf(session, keyspace)
  const copies = found?.copies[localDataCenter] ?? found?.copies['replication_factor'] ?? 0
  if (found?.isDurable === false)
    logger.warn(
      { keyspace },
      `keyspace ${keyspace} has durable_writes = false: a crash loses what was acknowledged`,
    )
  if (copies < 3)
    logger.warn(
      { keyspace, copies },
      `keyspace ${keyspace} keeps ${copies} copies in ${localDataCenter}: a node that is lost, or down, is felt; and with one copy a crash loses what its commit log had not synced`,
    )
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

function isSame(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}
