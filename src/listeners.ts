import { once } from 'node:events'
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { HeadwaterError } from './errors.ts'
import { answer, JSON_TYPE } from './lib/answer.ts'
import type { Address } from './lib/fields.ts'
import { createLimitedServer, MAX_HEADER_BYTES, type ServerLimits } from './lib/limited-server.ts'
import type { Paths, Take } from './sources/source.ts'

/** The listener that may face the internet. Sources add their paths before it listens. Disposing of it closes all connections. */
export interface IntakeListener extends Paths, AsyncDisposable {
  readonly server: Server
  /** Resolves to the URL, with the port that was really taken. Rejects with the error of the socket. */
  listen(address: Address): Promise<string>
}

/** Of Node's own server, since a framework between it and a source took as long as judging the review that was posted. */
export function createIntakeListener(limits: ServerLimits): IntakeListener {
  const paths = new Map<string, Take>()
  const server = createLimitedServer(limits, route)

  function route(request: IncomingMessage, response: ServerResponse): void {
    const path = pathOf(request.url ?? '')
    const take = path === undefined ? undefined : paths.get(path)
    // What was asked for is not repeated: it may hold a secret, and is nobody's business.
    if (path === undefined) answer(response, 400, { error: 'expected a path with valid escapes' })
    else if (take === undefined) answer(response, 404, { error: 'no source listens at this path' })
    else take(request, response)
  }

  server.on('clientError', refuseUnread)
  // The body is asked for by whoever is going to read it, once the head has been found good.
  server.on('checkContinue', route)
  server.on('checkExpectation', (_request, response) =>
    answer(response, 417, { error: 'expected no expect but 100-continue' }),
  )

  return {
    server,
    add(path, take) {
      if (paths.has(path)) return false
      paths.set(path, take)
      return true
    },
    async listen({ host, port }) {
      await once(server.listen({ host, port }), 'listening')
      return urlOf(server.address() as AddressInfo)
    },
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** What is asked for, without a query and unescaped; undefined where its escapes are none. */
function pathOf(url: string): string | undefined {
  const query = url.indexOf('?')
  const path = query === -1 ? url : url.slice(0, query)
  if (!path.includes('%')) return path
  try {
    return decodeURI(path)
  } catch {
    return undefined
  }
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

/** One that can be opened: a host that stands for all addresses is named by that of this machine. */
function urlOf({ address, family, port }: AddressInfo): string {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
  return `http://${family === 'IPv6' ? `[${host}]` : host}:${port}`
}

/** Resolves to the URL, with the port that was really taken. `key` is where the config says it. Throws `CANNOT_LISTEN`. */
export async function listen(
  listener: Pick<IntakeListener, 'listen'>,
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
