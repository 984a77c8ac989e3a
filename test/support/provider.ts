import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A request as it arrived. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly params: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** Bytes and texts are sent as they are, with the type text/html unless told; anything else as JSON. */
  readonly body?: unknown
}

/** A request that is held has no answer, ever. */
export const HELD = Symbol('held')

export type Answer = Reply | 'hang up' | typeof HELD

/** What is answered to the nth request, counted from 1. */
export type Script = (asked: Asked, n: number) => Answer | Promise<Answer>

/** A real HTTP server on loopback that answers as a script says. */
export interface Provider extends AsyncDisposable {
  readonly url: string
  /** All that was asked, in order. */
  readonly asked: readonly Asked[]
}

export async function openProvider(script: Script): Promise<Provider> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://provider')
      const body = (await buffer(request)).toString()
      const { method = '', headers } = request
      const one = { method, path: pathname, params: searchParams, headers, body, at: Date.now() }
      const reply = await script(one, asked.push(one))
      if (reply === HELD) return
      if (reply === 'hang up') request.socket.destroy()
      else {
        const isPlain = typeof reply.body === 'string' || reply.body instanceof Uint8Array
        const type = isPlain ? 'text/html' : 'application/json'
        response.writeHead(reply.status ?? 200, { 'content-type': type, ...reply.headers })
        response.end(isPlain || reply.body === undefined ? reply.body : JSON.stringify(reply.body))
      }
    })().catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
