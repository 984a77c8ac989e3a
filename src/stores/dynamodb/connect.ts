import type { DynamoDB } from '@aws-sdk/client-dynamodb'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cancellable } from '../../batch.ts'
import { TransientError } from '../../errors.ts'
import { loadClient } from '../../lib/client.ts'
import { readTls } from '../../lib/tls.ts'
import { formatDuration } from '../../lib/units.ts'
import { abortable, limit } from '../../lib/waiting.ts'
import type { Config } from './config.ts'
import { turns } from './turns.ts'
import { isThrottled, isUnanswered, translate } from './translate.ts'

const BASE_MS = 25
const MAX_MS = 2_000
/** So often a request without an answer is repeated at once; after that it is the caller's turn. */
const UNANSWERED = 2

export interface Asking extends Cancellable {
  /** The request may not be applied twice: without an answer it is not repeated. */
  readonly once?: boolean
}

export interface Session extends AsyncDisposable {
  readonly db: DynamoDB
  /** The setting by which the database is reached, with its value. */
  readonly place: string
  readonly tables: Readonly<Record<'reviews' | 'parts' | 'registry', string>>
  readonly concurrency: number
  /**
   * Makes a request in its turn, and again while it is throttled, until `timeoutMs` is over. What it then throws is
   * translated.
   */
  readonly ask: <T>(
    request: (options: { abortSignal: AbortSignal }) => Promise<T>,
    asking?: Asking,
  ) => Promise<T>
  /** Waits before the next try, longer and longer, with full jitter. */
  readonly backOff: (failures: number, signal?: AbortSignal) => Promise<void>
}

/** A client of its own. Nothing is asked yet. */
export async function connect(config: Config): Promise<Session> {
  const { region, endpoint, profile, credentials, prefix, timeoutMs, concurrency } = config
  const { DynamoDB } = await loadClient('@aws-sdk/client-dynamodb', () => import('@aws-sdk/client-dynamodb'))
  const tls = await readTls(config.tls, 'store.tls')
  const agent = { keepAlive: true, maxSockets: concurrency }
  const db = new DynamoDB({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(profile !== undefined && { profile }),
    ...(credentials && { credentials: withoutUndefined(credentials) }),
    requestHandler: {
      connectionTimeout: timeoutMs,
      httpAgent: agent,
      httpsAgent: { ...agent, ...tls },
    },
    maxAttempts: 1, // which requests are repeated, and how long, is decided below
  })
  const place =
    endpoint === undefined
      ? `store.region ${region ?? '(of the environment)'}`
      : `store.endpoint ${new URL(endpoint).origin}`
  const inTurn = turns(concurrency)

  async function ask<T>(
    request: (options: { abortSignal: AbortSignal }) => Promise<T>,
    { signal, once = false }: Asking = {},
  ): Promise<T> {
    return inTurn(async () => {
      using deadline = limit(timeoutMs, () => new Error(`after ${timeoutMs} ms`), signal)
      const { signal: abortSignal } = deadline
      for (let failures = 0; ; failures++) {
        signal?.throwIfAborted()
        try {
          // Though what is asked for credentials hears of no signal.
          return await abortable(request({ abortSignal }), abortSignal)
        } catch (error) {
          signal?.throwIfAborted()
          if (abortSignal.aborted) throw tooLate(error)
          const isRepeated = isThrottled(error) || (!once && isUnanswered(error) && failures < UNANSWERED)
          if (!isRepeated) throw translate(error, place)
          await backOff(failures, abortSignal).catch(() => {
            signal?.throwIfAborted()
            throw translate(error, place)
          })
        }
      }
    })
  }

  function tooLate(cause: unknown): TransientError {
    const what = `${place}: no answer in ${formatDuration(timeoutMs)} (store.timeout)`
    return new TransientError('STORE_UNAVAILABLE', what, { cause })
  }

  return {
    db,
    place,
    tables: { reviews: `${prefix}reviews`, parts: `${prefix}parts`, registry: `${prefix}registry` },
    concurrency,
    ask,
    backOff,
    async [Symbol.asyncDispose]() {
      db.destroy()
    },
  }
}

async function backOff(failures: number, signal?: AbortSignal): Promise<void> {
  const ceiling = Math.min(MAX_MS, BASE_MS * 2 ** failures)
  await sleep(Math.random() * ceiling, undefined, signal && { signal }).catch(() => signal?.throwIfAborted())
}

function withoutUndefined({
  accessKeyId,
  secretAccessKey,
  sessionToken,
}: NonNullable<Config['credentials']>) {
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }
}
