import { once } from 'node:events'
import { request } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import type { Logger } from '../../src/adapter.ts'
import type { Batch } from '../../src/batch.ts'
import type { ServerLimits } from '../../src/lib/limited-server.ts'
import { createIntakeListener } from '../../src/listeners.ts'
import type { Piece, Received, Split } from '../../src/review/received.ts'
import type { Paths, Source, SourceContext } from '../../src/sources/source.ts'
import webhook from '../../src/sources/webhook/index.ts'
import { plainProvider } from './plain-provider.ts'

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

/** A webhook source named `partner` behind a real listener. The test reads and acknowledges its batches itself. */
export interface WebhookListener extends AsyncDisposable {
  readonly url: string
  readonly source: Source
  post(body: string | Buffer, headers?: Record<string, string>): Promise<Reply>
  /** The next batch; undefined when reading has ended. */
  next(): Promise<Batch<Received> | undefined>
  /** Takes the next batch, accepts all of it and tells its raw items. */
  accept(): Promise<string[]>
  /** Accepts whatever comes until the reading ends, and tells how many items that were. */
  acceptAll(): Promise<number>
  /** Resolves when so many documents, counted from the start, have been split and handed over. */
  arrived(documents: number): Promise<void>
  /** Ends the reading, as a stopping process does. */
  stop(): void
}

export interface ListenerOptions {
  readonly split?: Split
  readonly clock?: () => number
  readonly logger?: Logger
  /** Those of the listener; the defaults of the config unless told. */
  readonly limits?: Partial<ServerLimits>
}

export async function openListener(
  given: object = {},
  options: ListenerOptions = {},
): Promise<WebhookListener> {
  const { split = whole, clock = Date.now, logger = ignoring } = options
  const http = createIntakeListener({ requestTimeoutMs: 60_000, maxConnections: 2_000, ...options.limits })
  const stopping = new AbortController()
  let documents = 0
  let counted = Promise.withResolvers<void>()

  const counting: Split = (document) => {
    documents++
    counted.resolve()
    counted = Promise.withResolvers()
    return split(document)
  }
  const config = webhook.config.parse({ verify: 'none', path: '/hooks/partner', ...given })
  const source = await webhook.open(config, contextOf(http, { split: counting, clock, logger }))
  const url = `${await http.listen({ host: '127.0.0.1', port: 0 })}/hooks/partner`
  const batches = source.read({ signal: stopping.signal })[Symbol.asyncIterator]()

  async function next(): Promise<Batch<Received> | undefined> {
    const result = await batches.next()
    return result.done ? undefined : result.value
  }

  return {
    url,
    source,
    next,
    async post(body, headers = {}) {
      const answer = await fetch(url, { method: 'POST', body: Buffer.from(body), headers })
      return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Reply['body'] }
    },
    async accept() {
      const batch = await next()
      await batch?.ack()
      return batch?.items.map(({ raw }) => raw.toString()) ?? []
    },
    async acceptAll() {
      let items = 0
      for (let batch = await next(); batch !== undefined; batch = await next()) {
        items += batch.items.length
        await batch.ack()
      }
      return items
    },
    async arrived(expected) {
      while (documents < expected) await counted.promise
      await turn()
    },
    stop: () => stopping.abort(),
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]()
      await http[Symbol.asyncDispose]()
    },
  }
}

/** What opening needs, on this listener. Reached from this machine only, unless told. */
export function contextOf(http: Paths, more: Partial<SourceContext> = {}): SourceContext {
  const unused = async (): Promise<never> => {
    throw new Error('a webhook needs no registry')
  }
  return {
    logger: ignoring,
    signal: new AbortController().signal,
    dataDir: '/nowhere',
    name: 'partner',
    origin: 'shop',
    run: '1',
    split: whole,
    provider: plainProvider(),
    repeated: () => {},
    clock: Date.now,
    registry: {
      get: unused,
      compareAndSet: unused,
      list: () => {
        throw new Error('a webhook needs no registry')
      },
      remove: unused,
      async [Symbol.asyncDispose]() {},
    },
    http,
    httpIsLoopback: true,
    trouble: ignore,
    ...more,
  }
}

const ignore = (): void => {}
const ignoring: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }

const whole: Split = (raw): Piece[] => [{ raw }]

/** Sends only the headers, or a body in chunks of unknown number, and tells the status of the answer. */
export async function postSlowly(
  url: string,
  headers: Record<string, string>,
  chunks: Iterable<Buffer> = [],
): Promise<number | undefined> {
  const sent = request(url, { method: 'POST', headers })
  sent.flushHeaders()
  const answered = once(sent, 'response')
  for (const chunk of chunks) sent.write(chunk)
  if (!('content-length' in headers)) sent.end()
  const [response] = await answered
  sent.destroy()
  return response.statusCode
}
