import { createServer, type RequestListener, type Server } from 'node:http'

/** What clients may take of a server, whatever they send. */
export interface ServerLimits {
  /** How long a request may take to arrive as a whole. */
  readonly requestTimeoutMs: number
  /** How many connections there may be at once; more are closed as they come. */
  readonly maxConnections: number
}

export const MAX_HEADER_BYTES: number = 16 * 2 ** 10
/** How long the head of a request may take, or a new connection its first one. */
const HEAD_TIMEOUT_MS = 10_000
/** How often what takes too long is looked for. */
const CHECK_EVERY_MS = 1_000
/** How long a connection may wait for its next request: longer than a proxy keeps one for reuse. */
const KEEP_ALIVE_MS = 75_000
/** Nothing comes and nothing can be written for so long: whoever does not read its answers holds no connection for ever. */
const STILL_MS = 300_000

/** A server that nobody can hold up by sending slowly, by not reading, or by many connections. An answer may take its time. */
export function createLimitedServer(
  { requestTimeoutMs, maxConnections }: ServerLimits,
  handle: RequestListener,
): Server {
  const server = createServer(
    {
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: Math.min(HEAD_TIMEOUT_MS, requestTimeoutMs),
      connectionsCheckingInterval: CHECK_EVERY_MS,
    },
    handle,
  )
  server.timeout = STILL_MS
  server.maxConnections = maxConnections
  server.on('drop', () => server.closeIdleConnections())
  return server
}
