import { setTimeout as sleep } from 'node:timers/promises'
import type { Db, MongoClient, MongoClientOptions } from 'mongodb'
import type { Context } from '../../adapter.ts'
import type { Cancellable } from '../../batch.ts'
import { HeadwaterError, TransientError } from '../../errors.ts'
import { loadClient } from '../../lib/client.ts'
import { readTls } from '../../lib/tls.ts'
import { within } from '../../lib/waiting.ts'
import type { Config } from './config.ts'
import { tlsObjection, translate } from './translate.ts'

const CLOSE_MS = 1_000

export interface Asking extends Cancellable {
  /** Where it is not that of the config. */
  readonly timeoutMs?: number
}

/** A connection to the database that works, or did when it was opened. */
export interface Session extends AsyncDisposable {
  readonly db: Db
  /** Whether the server is alone: then there is no majority but itself. */
  readonly isAlone: boolean
  /**
   * Asks the database one thing. No answer within the timeout is a `TransientError`, whatever the client still tries; when the
   * signal aborts its reason is thrown, and what was asked may still happen.
   */
  readonly ask: <T>(question: () => Promise<T>, options?: Asking) => Promise<T>
}

/** Resolves once a primary answers and knows us. */
export async function connect(config: Config, { logger, signal }: Context): Promise<Session> {
  const { MongoClient, ReadConcern } = await loadClient('mongodb', () => import('mongodb'))
  signal.throwIfAborted()
  const client = clientOf(MongoClient, config, await optionsOf(config))
  const address = addressOf(client)

  function late(timeoutMs: number): TransientError {
    const setting = timeoutMs === config.timeoutMs ? ' (store.timeout)' : ''
    const message = `store.url: ${address}: no answer within ${timeoutMs} ms${setting}`
    return new TransientError('STORE_UNAVAILABLE', message)
  }

  async function ask<T>(
    question: () => Promise<T>,
    { signal: stop, timeoutMs = config.timeoutMs }: Asking = {},
  ): Promise<T> {
    stop?.throwIfAborted()
    try {
      return await within(timeoutMs, question(), () => late(timeoutMs), stop)
    } catch (error) {
      throw stop?.aborted === true && error === stop.reason ? error : translate(error, address)
    }
  }

  try {
    await ask(() => client.connect(), { signal })
    // Said here and not to the client, which follows some words of a connection string before its options.
    const db = client.db(config.database, {
      readConcern: new ReadConcern('majority'),
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: config.timeoutMs },
    })
    const hello = await ask(() => db.command({ hello: 1 }), { signal })
    const isAlone = hello['setName'] === undefined && hello['msg'] !== 'isdbgrid'
    if (isAlone)
      logger.warn(
        { address },
        'store.url: this server is in no replica set: what it confirms is on its disk alone',
      )
    return { db, isAlone, ask, [Symbol.asyncDispose]: () => close(client) }
  } catch (error) {
    await close(client)
    throw tlsObjection(error, address) ?? error
  }
}

/** What is said to the server at the end is a courtesy, and a silent one is not waited for. */
async function close(client: MongoClient): Promise<void> {
  await Promise.race([client.close(), sleep(CLOSE_MS, undefined, { ref: false })])
}

function clientOf(make: typeof MongoClient, { url }: Config, options: MongoClientOptions): MongoClient {
  try {
    return new make(url, options)
  } catch (cause) {
    // The client's own words may repeat what stands there, password and all.
    const said = cause instanceof Error ? cause.name : 'an error'
    const hint = 'if user or password are odd, write them as store.username and store.password'
    throw new HeadwaterError(
      'CONFIG_INVALID',
      `store.url: MongoDB's client can not read it (${said}); ${hint}`,
    )
  }
}

async function optionsOf(config: Config): Promise<MongoClientOptions> {
  const { timeoutMs, maxConnections, username, password, authSource, authMechanism, tls } = config
  return {
    appName: 'headwater',
    maxPoolSize: maxConnections,
    serverSelectionTimeoutMS: timeoutMs / 2,
    connectTimeoutMS: timeoutMs / 2,
    waitQueueTimeoutMS: timeoutMs,
    socketTimeoutMS: timeoutMs,
    readPreference: 'primary',
    ignoreUndefined: true,
    promoteBuffers: true,
    ...(username !== undefined && { auth: { username, ...(password !== undefined && { password }) } }),
    ...(authSource !== undefined && { authSource }),
    ...(authMechanism !== undefined && { authMechanism }),
    ...(tls !== undefined && { tls: true, ...(await readTls(tls, 'store.tls')) }),
  }
}

function addressOf({ options: { srvHost, hosts } }: MongoClient): string {
  return srvHost ?? hosts.map(String).join(',')
}
