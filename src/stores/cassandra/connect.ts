import type { Client } from 'cassandra-driver'
import type { Context } from '../../adapter.ts'
import { loadClient } from '../../lib/client.ts'
import { readTls } from '../../lib/tls.ts'
import type { Config } from './config.ts'
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
}

/** A connected client. Every method throws what `translate` makes of its trouble. */
export interface Session extends AsyncDisposable {
  /** Reads, or writes what may be written again, at LOCAL_QUORUM. At most 5,000 rows: a larger result needs a LIMIT. */
  run(query: string, params: readonly unknown[], options?: Options): Promise<readonly Row[]>
  /** Writes several rows of one partition as one. */
  together(statements: readonly Statement[], options?: Options): Promise<void>
  /** A lightweight transaction. Resolves to whether it was applied. */
  decide(query: string, params: readonly unknown[], options?: Options): Promise<boolean>
  /** What time it is for the cluster, in microseconds, rounded down to a millisecond. */
  now(options?: Options): Promise<bigint>
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
  const client = new Client({
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

  async function asked<T>(request: Promise<T>, aborting: AbortSignal | undefined): Promise<T> {
    try {
      return await abortable(request, aborting)
    } catch (error) {
      throw translate(error, place)
    }
  }

  try {
    await asked(client.connect(), signal)
  } catch (error) {
    void end(client)
    throw error
  }

  async function run(query: string, params: readonly unknown[], { signal: aborting, serial }: Options = {}) {
    aborting?.throwIfAborted()
    const consistency = serial ? { consistency: types.consistencies.localSerial } : {}
    const { rows } = await asked(
      client.execute(query, params, { isIdempotent: true, ...consistency }),
      aborting,
    )
    return rows as unknown as readonly Row[]
  }

  return {
    run,
    async together(statements, { signal: aborting } = {}) {
      aborting?.throwIfAborted()
      const queries = statements.map(({ query, params }) => ({ query, params: [...params] }))
      await asked(client.batch(queries, { logged: false, isIdempotent: true }), aborting)
    },
    async decide(query, params, { signal: aborting } = {}) {
      aborting?.throwIfAborted()
      // Not idempotent: what was applied and not answered would be answered as not applied.
      const result = await asked(client.execute(query, params, { isIdempotent: false }), aborting)
      return result.wasApplied()
    },
    async now(options) {
      const [row] = await run('SELECT toUnixTimestamp(now()) AS now FROM system.local', [], options)
      return (row?.['now'] as bigint) * 1_000n
    },
    [Symbol.asyncDispose]: () => end(client),
  }
}

/** Where the tables are, for messages: nothing of this is secret. */
export function placeOf({ contactPoints, keyspace }: Pick<Config, 'contactPoints' | 'keyspace'>): string {
  return `keyspace ${keyspace} at ${contactPoints.join(', ')}`
}

/** What there is of a client whose connecting failed: its own `shutdown` does nothing then. */
interface Unconnected {
  readonly controlConnection?: { shutdown(): void }
  readonly hosts?: { values(): readonly { shutdown(wait: boolean): Promise<void> }[] }
}

async function end(client: Client): Promise<void> {
  await client.shutdown()
  const { controlConnection, hosts } = client as unknown as Unconnected
  controlConnection?.shutdown()
  for (const host of hosts?.values() ?? []) host.shutdown(false).catch(() => {})
}

/** The client can't take back what it was asked; whoever asked need not wait for it. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
    work.catch(() => {})
  }
}
