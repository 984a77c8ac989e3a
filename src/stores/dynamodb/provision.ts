import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../../adapter.ts'
import { HeadwaterError } from '../../errors.ts'
import type { Config } from './config.ts'
import type { Asking, Session } from './connect.ts'
import { FORMAT, readFormat, writeFormat } from './notes.ts'
import { checkTables, describe, KINDS, type TableKind, tableInput } from './tables.ts'

const LOOK_MS = 500
const LIMIT_MS = 300_000

/** Makes the tables that are not there, and says what is different about those that are. Safe to repeat. */
export async function provision(
  session: Session,
  config: Config,
  { logger, signal }: Context,
): Promise<void> {
  await Promise.all(KINDS.map((kind) => make(session, kind, config, { signal })))
  await checkTables(session, KINDS, { signal })
  await writeFormat(session, { format: FORMAT, shards: config.shards }, { signal })
  const { shards } = await readFormat(session, { signal })
  if (shards !== config.shards) {
    const message = `the tables were made with store.shards ${shards}, which stays; ${config.shards} is not used`
    logger.warn({ shards }, message)
  }
  if (config.expireAfterMs !== undefined) await expire(session, { signal })
}

async function make(
  session: Session,
  kind: TableKind,
  { provisioned }: Config,
  asking: Asking,
): Promise<void> {
  const { db, ask, tables } = session
  const throughput = provisioned && {
    ReadCapacityUnits: provisioned.readUnits,
    WriteCapacityUnits: provisioned.writeUnits,
  }
  const input = tableInput(tables[kind], kind)
  const indexes = input.GlobalSecondaryIndexes?.map((index) => ({
    ...index,
    ...(throughput && { ProvisionedThroughput: throughput }),
  }))
  if (!(await describe(session, kind, asking))) {
    try {
      await ask(
        (options) =>
          db.createTable(
            {
              ...input,
              ...(indexes && { GlobalSecondaryIndexes: indexes }),
              ...(throughput
                ? { BillingMode: 'PROVISIONED', ProvisionedThroughput: throughput }
                : { BillingMode: 'PAY_PER_REQUEST' }),
            },
            options,
          ),
        asking,
      )
    } catch (error) {
      // Somebody else makes it at the same time.
      if (!(error instanceof Error) || error.name !== 'ResourceInUseException') throw error
    }
  }
  await untilActive(session, kind, asking)
}

async function untilActive(session: Session, kind: TableKind, asking: Asking): Promise<void> {
  const giveUpAt = performance.now() + LIMIT_MS
  for (;;) {
    const table = await describe(session, kind, asking)
    const isReady =
      table?.TableStatus === 'ACTIVE' &&
      (table.GlobalSecondaryIndexes ?? []).every(({ IndexStatus }) => IndexStatus === 'ACTIVE')
    if (isReady) return
    if (performance.now() > giveUpAt) {
      const what = `${session.place}: ${session.tables[kind]} is ${table?.TableStatus ?? 'not there'} after 5 min; try again`
      throw new HeadwaterError('TABLES_MISSING', what)
    }
    await sleep(LOOK_MS, undefined, asking.signal && { signal: asking.signal })
  }
}

/** DynamoDB then deletes what has an `expires_at` in the past. */
async function expire({ db, ask, tables }: Session, asking: Asking): Promise<void> {
  for (const TableName of [tables.reviews, tables.parts]) {
    const { TimeToLiveDescription: known } = await ask(
      (options) => db.describeTimeToLive({ TableName }, options),
      asking,
    )
    if (known?.TimeToLiveStatus === 'ENABLED' || known?.TimeToLiveStatus === 'ENABLING') continue
    const TimeToLiveSpecification = { Enabled: true, AttributeName: 'expires_at' }
    await ask((options) => db.updateTimeToLive({ TableName, TimeToLiveSpecification }, options), asking)
  }
}
