import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** One request, as it came. */
export interface Call {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is; anything but a text as JSON. */
  readonly body: unknown
}

/** Stands for a secret about which there is never an answer. */
export const HELD = Symbol('held')

/** An HTTP server on this machine, which is closed, with every connection, when it is disposed. */
export interface LoopbackServer extends AsyncDisposable {
  readonly url: string
  readonly calls: readonly Call[]
}

/** Answers each request by what `respond` makes of it, and never where that is undefined. */
export async function openLoopbackServer(
  respond: (call: Call) => Reply | undefined,
): Promise<LoopbackServer> {
  const calls: Call[] = []
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request
    const call = { method, path, headers, body: (await buffer(request)).toString() }
    calls.push(call)
    const reply = respond(call)
    if (reply === undefined) return
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers })
    response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body))
  }

  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
