import type { ChannelModel, Options } from 'amqplib'
import { HeadwaterError, TransientError } from '../../errors.ts'
import { loadClient } from '../../lib/client.ts'
import { readTls } from '../../lib/tls.ts'
import type { Config } from './config.ts'
import { translate } from './translate.ts'
import { abortable, limit } from '../../lib/waiting.ts'

const CONNECT_MS = 5_000
const CLOSE_MS = 1_000

/** A connection. Once it is lost it stays lost. */
export interface Link {
  readonly model: ChannelModel
  /** Aborts when the connection is lost or closed. */
  readonly lost: AbortSignal
  /** Both give the connection up where they fail: it is good for nothing then. */
  readonly createChannel: ChannelModel['createChannel']
  readonly createConfirmChannel: ChannelModel['createConfirmChannel']
  /** Why the broker takes no messages at present, where it has said so. */
  readonly blocked: string | undefined
  /** Ends it at once, whether the broker answers or not. */
  destroy(): void
  close(): Promise<void>
}

export type Connect = (signal: AbortSignal) => Promise<Link>

/** Where the broker is, for messages: nothing of this is secret. */
export function addressOf({ url }: Config): string {
  const { protocol, host, port } = new URL(url)
  return port === '' ? `${host}:${protocol === 'amqps:' ? 5671 : 5672}` : host
}

/**
 * Loads the client and reads the certificates, once for all connections. A refusal is final until there was a connection; then
 * it is trouble that may pass, such as a broker that can't ask its directory who we are.
 */
export async function createConnect(config: Config): Promise<Connect> {
  const amqplib = await loadClient('amqplib', () => import('amqplib'))
  const tls = config.tls && (await readTls(config.tls, 'queue.tls'))
  const address = addressOf(config)
  const server = serverOf(config)
  let hasConnected = false
  const isExternal = server.username === undefined && tls?.cert !== undefined

  return async (signal) => {
    signal.throwIfAborted()
    const late = () => new TransientError('QUEUE_UNAVAILABLE', `queue.url: ${address} does not answer`)
    using opening = limit(CONNECT_MS, late, signal)
    // Node destroys the socket when this aborts. The client itself leaves it half open where the broker is silent.
    const life = new AbortController()
    const options = {
      ...tls,
      noDelay: true,
      keepAlive: true,
      signal: life.signal,
      clientProperties: { connection_name: 'headwater' },
      ...(isExternal && { credentials: amqplib.credentials.external() }),
    }
    try {
      const connecting = amqplib.connect(server, options).then((model) => toLink(model, life))
      const link = await abortable(connecting, opening.signal)
      hasConnected = true
      return link
    } catch (error) {
      life.abort()
      const refusal = translate(error, address)
      if (!hasConnected || !(refusal instanceof HeadwaterError)) throw refusal
      throw new TransientError(refusal.code, refusal.message, { cause: refusal })
    }
  }
}

function serverOf({ url, heartbeatMs }: Config): Options.Connect {
  const { protocol, hostname, port, username, password, pathname } = new URL(url)
  return {
    protocol: protocol.slice(0, -1),
    hostname: hostname.replace(/^\[|\]$/g, ''),
    ...(port !== '' && { port: Number(port) }),
    ...(username + password !== '' && {
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
    }),
    vhost: pathname.slice(1), // the client decodes this one itself
    heartbeat: heartbeatMs / 1_000,
  }
}

function toLink(model: ChannelModel, life: AbortController): Link {
  let blocked: string | undefined
  const closed = new Promise<void>((resolve) => life.signal.addEventListener('abort', () => resolve()))
  function orGiveUp<T>(opened: Promise<T>): Promise<T> {
    opened.catch((error: unknown) => life.abort(error))
    return opened
  }
  model.on('error', (error) => life.abort(error))
  model.on('close', (error) => life.abort(error))
  model.on('blocked', (reason) => (blocked = reason))
  model.on('unblocked', () => (blocked = undefined))
  return {
    model,
    lost: life.signal,
    createChannel: (options) => orGiveUp(model.createChannel(options)),
    createConfirmChannel: (options) => orGiveUp(model.createConfirmChannel(options)),
    get blocked() {
      return blocked
    },
    destroy: () => life.abort(new Error('the connection was given up')),
    async close() {
      const timer = setTimeout(() => life.abort(), CLOSE_MS)
      model.close().catch(() => life.abort())
      await closed
      clearTimeout(timer)
    },
  }
}

/** A connection that is made when it is wanted, and anew when it was lost. */
export interface Line extends AsyncDisposable {
  /** Throws a `TransientError` where there is none to be had; whoever asks then asks again. */
  link(): Promise<Link>
  /** The connection that there is, if any. */
  readonly current: Link | undefined
}

export function createLine(connect: Connect, address: string): Line {
  const ended = new AbortController()
  let opening: Promise<Link> | undefined
  let current: Link | undefined

  async function open(): Promise<Link> {
    const link = await connect(ended.signal)
    current = link
    const forget = (): void => {
      opening = undefined
      current = undefined
    }
    link.lost.addEventListener('abort', forget)
    if (link.lost.aborted) forget()
    return link
  }

  async function close(): Promise<void> {
    ended.abort(new TransientError('QUEUE_UNAVAILABLE', `the queue at ${address} was closed`))
    const link = await opening?.catch(() => undefined)
    await link?.close()
  }

  return {
    get current() {
      return current
    },
    async link() {
      ended.signal.throwIfAborted()
      opening ??= open().catch((error: unknown) => {
        opening = undefined
        throw error
      })
      return opening
    },
    [Symbol.asyncDispose]: close,
  }
}
