import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { Address } from './lib/fields.ts'
import { HeadwaterError } from './errors.ts'

/** What senders may take of the listener, whatever they send. */
export interface IntakeLimits {
  /** How long a request may take to arrive as a whole. */
  readonly requestTimeoutMs: number
  /** How many connections there may be at once; more are closed as they come. */
  readonly maxConnections: number
}

const MAX_HEADER_BYTES = 16 * 2 ** 10
/** How long the head of a request may take, or a new connection its first one. */
const HEAD_TIMEOUT_MS = 10_000
/** How often what takes too long is looked for. */
const CHECK_EVERY_MS = 1_000
/** How long a connection may wait for its next request: longer than a proxy keeps one for reuse. */
const KEEP_ALIVE_MS = 75_000
/** Nothing comes and nothing can be written for so long: whoever does not read its answers holds no connection for ever. */
const STILL_MS = 300_000

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }

/** The listener that may face the internet. Sources add their routes before it listens. */
export function createIntakeListener({ requestTimeoutMs, maxConnections }: IntakeLimits): FastifyInstance {
  const listener = fastify({
    forceCloseConnections: true,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionTimeout: STILL_MS,
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: Math.min(HEAD_TIMEOUT_MS, requestTimeoutMs),
      connectionsCheckingInterval: CHECK_EVERY_MS,
    },
    clientErrorHandler: refuseUnread,
    // What was asked for is not repeated: it may hold a secret, and is nobody's business.
    frameworkErrors: (_error, _request, { raw: response }) =>
      response.writeHead(400, JSON_TYPE).end(JSON.stringify({ error: 'expected a path with valid escapes' })),
  })
  // Nobody reads the body of a request that no source takes.
  listener.removeAllContentTypeParsers()
  listener.addContentTypeParser('*', (_request, _payload, done) => done(null))
  listener.setNotFoundHandler((_, reply) => nowhere(reply))
  listener.setErrorHandler((_error, _request, reply) => nowhere(reply)) // sources have one of their own

  const { server } = listener
  server.maxConnections = maxConnections
  server.on('drop', () => server.closeIdleConnections())
  // The body is asked for by whoever is going to read it, once the head has been found good.
  server.on('checkContinue', (request, response) => server.emit('request', request, response))
  server.on('checkExpectation', (_request, response) =>
    response.writeHead(417, JSON_TYPE).end(JSON.stringify({ error: 'expected no expect but 100-continue' })),
  )
  return listener
}

function nowhere(reply: FastifyReply): FastifyReply {
  return reply.code(404).send({ error: 'no source listens at this path' })
}

/** What can't be read as a request, and what an answer says of it. */
const UNREAD: Readonly<Record<string, readonly [status: number, error: string]>> = {
  HPE_HEADER_OVERFLOW: [431, `expected at most ${MAX_HEADER_BYTES} bytes of headers`],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not arrive as a whole in time'],
}
const UNREADABLE = [
  400,
  'expected an HTTP/1.1 request with a body as long as its content-length says',
] as const

function refuseUnread({ code = '' }: NodeJS.ErrnoException, socket: Socket): void {
  const [status, error] = UNREAD[code] ?? UNREADABLE
  const body = JSON.stringify({ error })
  const head = { ...JSON_TYPE, 'content-length': body.length, connection: 'close' }
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`)
  if (code !== 'ECONNRESET' && socket.writable)
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
  socket.destroy()
}

/** Resolves to the URL, with the port that was really taken. */
export async function listen(
  listener: FastifyInstance,
  { host, port }: Address,
  key: string,
): Promise<string> {
  try {
    return await listener.listen({ host, port })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'something else listens there' : (cause as Error).message
    const message = `${key}: cannot listen on ${host}:${port}: ${why}; choose another port, or 0 for any free one`
    throw new HeadwaterError('CANNOT_LISTEN', message, code === 'EADDRINUSE' ? {} : { cause })
  }
}
