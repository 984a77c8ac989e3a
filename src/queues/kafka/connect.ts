import type { Admin, Base, BaseOptions } from '@platformatic/kafka'
import { TransientError } from '../../errors.ts'
import { readTls, tlsFields } from '../../lib/tls.ts'
import { within } from '../../lib/waiting.ts'
import type { Config } from './config.ts'
import { tokens } from './tokens.ts'
import { isAnswer, translate } from './translate.ts'

export type Kafka = typeof import('@platformatic/kafka')

/** What every client of one queue is made of. */
export interface Connection {
  readonly kafka: Kafka
  readonly options: BaseOptions
  /** The addresses of the config, for messages. */
  readonly address: string
}

const CONNECT_MS = 3_000
const REQUEST_MS = 10_000

export async function connectionOf(kafka: Kafka, config: Config): Promise<Connection> {
  const { brokers, clientId, tls, sasl } = config
  const options: BaseOptions = {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: CONNECT_MS,
    requestTimeout: REQUEST_MS,
    retries: 0,
    autocreateTopics: false,
    ...(tls !== false && { tls: await readTls(tls === true ? tlsFields.parse({}) : tls, 'queue.tls') }),
    ...(sasl && { sasl: sasl.mechanism === 'OAUTHBEARER' ? { ...tokens(sasl) } : { ...sasl } }),
  }
  return { kafka, options, address: brokers.join() }
}

/**
 * The client, made safe: an error of a connection that nobody waits for would end the process, and a login that is to be
 * renewed on a connection that is gone would keep it from ending.
 */
export function calm<Client extends Base>(client: Client): Client {
  client.connections.on('connecting', ({ connection }) => {
    connection.on('error', () => {})
    connection.once('close', () => void connection.close())
  })
  return client
}

/** Closes a client at once, whatever it waits for. */
export function discard(client: Base): void {
  const sockets = [...client.connections].map(([, connection]) => connection.socket)
  client.close().catch(() => {})
  for (const socket of sockets) socket.destroy()
}

/** Asks the brokers what is no message. */
export interface Administrator {
  /** Throws what the brokers' trouble means, within a few seconds. */
  ask<T>(question: (admin: Admin) => Promise<T>, signal?: AbortSignal): Promise<T>
  close(): void
}

const ASK_MS = 4_000

export function createAdministrator({ kafka, options, address }: Connection): Administrator {
  let current: Admin | undefined
  let isClosed = false

  return {
    async ask(question, signal) {
      signal?.throwIfAborted()
      if (isClosed) throw closed(address)
      const admin = (current ??= calm(new kafka.Admin(options)))
      const late = () =>
        new TransientError('QUEUE_UNAVAILABLE', `queue.brokers ${address}: no answer in ${ASK_MS} ms`)
      try {
        return await within(ASK_MS, question(admin), late, signal)
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        const translated = translate(error, address)
        // A connection that failed is not asked again; one that said no is as good as before.
        if (current === admin && !isAnswer(error)) {
          current = undefined
          discard(admin)
        }
        throw translated
      }
    },
    close() {
      isClosed = true
      if (current) discard(current)
    },
  }
}

export function closed(address: string): TransientError {
  return new TransientError('QUEUE_UNAVAILABLE', `queue.brokers ${address}: the queue was closed`)
}
