import { readFile } from 'node:fs/promises'
import type { v1 } from '@google-cloud/pubsub'
import { HeadwaterError, TransientError } from '../../errors.ts'
import { loadClient } from '../../lib/client.ts'
import { formatDuration } from '../../lib/units.ts'
import { abortable } from '../../lib/waiting.ts'
import type { Config } from './config.ts'
import { anyOf } from './signals.ts'
import { isStatus, type Place, translate } from './translate.ts'

export interface Clients {
  readonly publisher: v1.PublisherClient
  readonly subscriber: v1.SubscriberClient
}

/** What each method of the clients takes beside its request. The client's own repeating is off: it would hide an outage. */
export interface CallOptions {
  readonly timeout: number
  readonly retry: null
  readonly signal: AbortSignal
}

export interface CallLimits {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Whether the call may pass its time because there is nothing to answer; then nothing is wrong with the connection. */
  readonly mayBeSilent?: boolean
}

export interface Connection extends AsyncDisposable {
  readonly address: string
  /** Whether it is one that keeps nothing, to which nothing is encrypted. */
  readonly isEmulator: boolean
  /** The answer of one call; throws within its time what `translate` makes of trouble, or the reason of the signal. */
  readonly call: <Answer>(work: Work<Answer>, limits: CallLimits) => Promise<Answer>
}

type Work<Answer> = (clients: Clients, options: CallOptions) => Promise<readonly [Answer, ...unknown[]]>

interface Channel {
  readonly clients: Promise<Clients>
  /** Aborts all calls of a channel that is given up. */
  readonly lost: AbortController
  readonly openedAt: number
  /** Whether the service ever answered on it. */
  answered: boolean
}

/** As Google's own client has it. A peer that is gone is noticed before, by the deadline of a call. */
const KEEPALIVE = { 'grpc.keepalive_time_ms': 300_000, 'grpc.keepalive_timeout_ms': 20_000 }
/** Else the client waits up to two minutes before it looks whether an outage is over. */
const RECONNECT = { 'grpc.initial_reconnect_backoff_ms': 250, 'grpc.max_reconnect_backoff_ms': 4_000 }
/** Else a new channel would get the old connection, which may be dead. */
const OWN_CONNECTION = { 'grpc.use_local_subchannel_pool': 1 }
/** How long a connection may take that never was. */
const CONNECT_MS = 60_000
const GLOBAL = 'pubsub.googleapis.com'
/** Deadlines are kept by gRPC; it does not watch what happens before a call, such as the fetching of a token. */
const GRACE_MS = 500

/**
 * Where calls go. A channel on which a call passes its deadline may lead to a peer that is gone, which TCP tells after a quarter
 * of an hour: it is given up, with all calls on it, and the next call goes by a new one.
 */
export async function connect({ project, endpoint, keyFile }: Config): Promise<Connection> {
  const library = await loadClient('@google-cloud/pubsub', () => import('@google-cloud/pubsub'))
  const { host, port, isEmulator } = endpointOf(endpoint, process.env['PUBSUB_EMULATOR_HOST'])
  const place: Place = {
    address: `${host}:${port}${endpoint === undefined ? '' : ' (queue.endpoint)'}`,
    credentials: keyFile === undefined ? DEFAULT_CREDENTIALS : 'queue.key_file',
  }
  const key = keyFile === undefined ? undefined : await readKey(keyFile)
  const options = {
    ...KEEPALIVE,
    ...RECONNECT,
    ...OWN_CONNECTION,
    projectId: project,
    servicePath: host,
    port,
    ...(key && { auth: authOf(library, key) }),
    ...(isEmulator && withoutCredentials(library)),
  }
  const closing = new AbortController()
  let current: Channel | undefined

  function channel(): Channel {
    if (current) return current
    const opened: Channel = {
      clients: start(),
      lost: new AbortController(),
      openedAt: performance.now(),
      answered: false,
    }
    opened.clients.catch(() => {
      if (current === opened) current = undefined
    })
    current = opened
    return opened
  }

  /** Both are made ready first: a method of a client that can't become ready would end the process. */
  async function start(): Promise<Clients> {
    const publisher = new library.v1.PublisherClient(options)
    const subscriber = new library.v1.SubscriberClient(options)
    await Promise.all([publisher.initialize(), subscriber.initialize()])
    return { publisher, subscriber }
  }

  function giveUp(given: Channel): void {
    if (current === given) current = undefined
    given.lost.abort()
    void given.clients
      .then(({ publisher, subscriber }) => Promise.all([publisher.close(), subscriber.close()]))
      .catch(() => {})
  }

  async function call<Answer>(work: Work<Answer>, limits: CallLimits): Promise<Answer> {
    const { timeoutMs, signal, mayBeSilent = false } = limits
    signal?.throwIfAborted()
    if (closing.signal.aborted) throw closed()
    const taken = channel()
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), timeoutMs + GRACE_MS)
    const stop = anyOf([late.signal, closing.signal, taken.lost.signal, ...(signal ? [signal] : [])])
    try {
      const clients = await abortable(taken.clients, stop.signal)
      const [answer] = await work(clients, { timeout: timeoutMs, retry: null, signal: stop.signal })
      taken.answered = true
      return answer
    } catch (error) {
      signal?.throwIfAborted()
      if (closing.signal.aborted) throw closed()
      const isLate = late.signal.aborted || isStatus(error, 'DEADLINE_EXCEEDED')
      if (!isLate) throw taken.lost.signal.aborted ? lost(place) : translate(error, place)
      // One that is still being made is given its time, or an outage would collect sockets.
      const mayBeDead = taken.answered || performance.now() - taken.openedAt > CONNECT_MS
      if (mayBeDead && !mayBeSilent) giveUp(taken)
      const message = `Pub/Sub at ${place.address} gave no answer in ${formatDuration(timeoutMs)}`
      throw new TransientError('QUEUE_UNAVAILABLE', message, { cause: error })
    } finally {
      clearTimeout(timer)
      stop.release()
    }
  }

  return {
    address: place.address,
    isEmulator,
    call,
    async [Symbol.asyncDispose]() {
      closing.abort()
      if (current) giveUp(current)
    },
  }
}

const lost = ({ address }: Place) =>
  new TransientError(
    'QUEUE_UNAVAILABLE',
    `Pub/Sub at ${address} does not answer on this connection; it is made anew`,
  )

const closed = () => new TransientError('QUEUE_UNAVAILABLE', 'the queue was closed')

const DEFAULT_CREDENTIALS =
  'Google’s default credentials (GOOGLE_APPLICATION_CREDENTIALS, gcloud or the account of the machine) or queue.key_file'

/** Only `http://` is an emulator: to everything else go credentials, encrypted. */
function endpointOf(endpoint: string | undefined, emulator: string | undefined) {
  const given = endpoint ?? (emulator === undefined ? GLOBAL : `http://${emulator.replace(/^http:\/\//, '')}`)
  const [, scheme, host = '', port] = /^(?:(https?):\/\/)?([^:]*)(?::(\d+))?$/.exec(given) ?? []
  const isEmulator = scheme === 'http'
  return { host, port: Number(port ?? (isEmulator ? 80 : 443)), isEmulator }
}

/** An emulator asks for none, and to look for some would take seconds. */
function withoutCredentials({ PubSub }: Library) {
  const { sslCreds } = new PubSub({ apiEndpoint: 'localhost', emulatorMode: true }).options
  const auth = { getUniverseDomain: async () => 'googleapis.com' }
  return { sslCreds, auth: auth as unknown as v1.PublisherClient['auth'] }
}

type Library = typeof import('@google-cloud/pubsub')

/** Given by the name of its file, the library would print that this is deprecated. */
function authOf({ PubSub }: Library, key: object) {
  const { auth } = new PubSub()
  auth.jsonContent = key
  return auth
}

async function readKey(path: string): Promise<object> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    throw new HeadwaterError('FILE_UNREADABLE', `queue.key_file: expected the key of an account: ${reason}`)
  })
  try {
    const key: unknown = JSON.parse(text)
    if (typeof key === 'object' && key !== null && 'type' in key) return key
  } catch {
    // What it says could be a part of the key.
  }
  throw new HeadwaterError(
    'CONFIG_INVALID',
    `queue.key_file: expected JSON with a type, as Google gives it out, found something else in ${path}`,
  )
}
