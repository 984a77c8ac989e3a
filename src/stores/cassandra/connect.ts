import type { Client } from 'cassandra-driver'
import type { Context } from '../../adapter.ts'
import { loadClient } from '../../lib/client.ts'
import { readTls } from '../../lib/tls.ts'
import { abortable } from '../../lib/waiting.ts'
import type { Config } from './config.ts'
import { createLine } from './line.ts'
import { translate } from './translate.ts'

export interface Statement {
  readonly query: string
  readonly params: readonly unknown[]
}

export type Row = Readonly<Record<string, unknown>>

export interface Options {
  readonly signal?: AbortSignal | undefined
  /** Reads what lightweight transactions have decided. */
  readonly serial?: boolean
  /** Other than that of the config. */
  readonly timeoutMs?: number
}

/** A connected client. Every method throws what `translate` makes of its trouble. */
export interface Session extends AsyncDisposable {
  /** Reads, or writes what may be written again, at LOCAL_QUORUM. At most 5,000 rows: a larger result needs a LIMIT. */
  readonly run: (query: string, params: readonly unknown[], options?: Options) => Promise<readonly Row[]>
  /** Writes several rows of one partition as one. */
  readonly together: (statements: readonly Statement[], options?: Options) => Promise<void>
  /** A lightweight transaction. Resolves to whether it was applied. */
  readonly decide: (query: string, params: readonly unknown[], options?: Options) => Promise<boolean>
  /** What time it is for the cluster, in microseconds, rounded down to a millisecond. */
  readonly now: (options?: Options) => Promise<bigint>
}

const RECONNECT_MS = 500
/** A scan reads by LIMIT and goes on by key, so that it can go on in another process; the client's pages are not used. */
const MOST_ROWS = 5_000

/** Connects. `keyspace` is left out where it may not be there yet. */
export async function connect(
  config: Config,
  { signal }: Pick<Context, 'signal'>,
  keyspace?: string,
): Promise<Session> {
  const { Client, policies, types } = await loadClient('cassandra-driver', () => import('cassandra-driver'))
  const { contactPoints, localDataCenter, username = '', password = '', timeoutMs } = config
  const tls = config.tls && (await readTls(config.tls, 'store.tls'))
  const place = placeOf(config)
  signal.throwIfAborted()
  const line = createLine(Client, {
    contactPoints: [...contactPoints],
    localDataCenter,
    ...(keyspace !== undefined && { keyspace }),
    ...(username !== '' && { credentials: { username, password } }),
    // The client trusts any certificate unless told.
    ...(tls && { sslOptions: { rejectUnauthorized: true, ...tls } }),
    policies: {
      reconnection: new policies.reconnection.ConstantReconnectionPolicy(RECONNECT_MS),
      // Writes without a time of their own, and lightweight transactions, all go by the clocks of the cluster.
      timestampGeneration: null as never,
    },
    socketOptions: { connectTimeout: timeoutMs, readTimeout: timeoutMs },
    encoding: { useBigIntAsLong: true },
    queryOptions: {
      consistency: types.consistencies.localQuorum,
      serialConsistency: types.consistencies.localSerial,
      prepare: true,
      fetchSize: MOST_ROWS,
    },
  })

  async function ask<T>(
    request: (client: Client) => Promise<T>,
    aborting: AbortSignal | undefined,
  ): Promise<T> {
    aborting?.throwIfAborted()
    try {
      const client = await abortable(line.client(), aborting)
      const answer = request(client)
      answer.catch((error: unknown) => line.failed(client, error))
      return await abortable(answer, aborting)
    } catch (error) {
      throw translate(error, place)
    }
  }

  try {
    await ask(async () => {}, signal)
  } catch (error) {
    void line[Symbol.asyncDispose]()
    throw error
  }

  async function run(
    query: string,
    params: readonly unknown[],
    options: Options = {},
  ): Promise<readonly Row[]> {
    const { signal: aborting, serial, timeoutMs: readTimeout } = options
    const settings = {
      isIdempotent: true,
      ...(serial && { consistency: types.consistencies.localSerial }),
      ...(readTimeout !== undefined && { readTimeout }),
    }
    const { rows } = await ask((client) => client.execute(query, params, settings), aborting)
    return rows as unknown as readonly Row[]
  }

  return {
    run,
    async together(statements, { signal: aborting } = {}) {
      const queries = statements.map(({ query, params }) => ({ query, params: [...params] }))
      await ask((client) => client.batch(queries, { logged: false, isIdempotent: true }), aborting)
    },
    async decide(query, params, { signal: aborting } = {}) {
      // Not idempotent: what was applied and not answered would be answered as not applied.
      const result = await ask((client) => client.execute(query, params, { isIdempotent: false }), aborting)
      return result.wasApplied()
    },
    async now(options) {
      const [row] = await run('SELECT toUnixTimestamp(now()) AS now FROM system.local', [], options)
      return (row?.['now'] as bigint) * 1_000n
    },
    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  }
}

/** Where the tables are, for messages: nothing of this is secret. */
export function placeOf({ contactPoints, keyspace }: Pick<Config, 'contactPoints' | 'keyspace'>): string {
  return `keyspace ${keyspace} at ${contactPoints.join(', ')}`
}
