import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request to DynamoDB, as far as a front looks into it. */
export interface Call {
  /** Such as `PutItem`. */
  readonly operation: string
  readonly body: {
    readonly TableName?: string
    readonly RequestItems?: Readonly<Record<string, unknown>>
    readonly Statements?: readonly object[]
  }
}

/**
 * Passed on; or passed on and never answered, the connection being reset; or answered with an error of the service; or a
 * batch of which so much is answered as unprocessed.
 */
export type Behaviour =
  | 'pass'
  | 'lose the answer'
  | { readonly error: string; readonly message: string }
  | { readonly unprocessed: number }

const EMPTY = { status: 200, body: '{}' }

export interface Front extends AsyncDisposable {
  readonly endpoint: string
}

/**
 * A fake of what DynamoDB Local never answers, in front of it: throttling, `UnprocessedItems` and `UnprocessedKeys`,
 * refused access and lost answers, by the names and in the shape of the service. Everything else goes to the real server. What it can't
 * show: when the service does so.
 */
export async function startFront(
  port: number,
  behave: (call: Call) => Behaviour | Promise<Behaviour>,
): Promise<Front> {
  const server = createServer((request, response) => {
    void answer(request).then(
      ({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(body)
      },
      () => request.socket.resetAndDestroy(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  async function answer(request: IncomingMessage): Promise<{ status: number; body: string }> {
    const sent = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString()
    const body = JSON.parse(sent) as Call['body']
    const operation = String(request.headers['x-amz-target']).replace(/^.*\./, '')
    const behaviour = await behave({ operation, body })
    if (behaviour === 'pass') return pass(request, sent)
    if (behaviour === 'lose the answer') {
      await pass(request, sent)
      throw new Error('lost')
    }
    if ('error' in behaviour) {
      const { error, message } = behaviour
      const namespace = error.endsWith('Exception') ? 'com.amazonaws.dynamodb.v20120810#' : ''
      return { status: 400, body: JSON.stringify({ __type: namespace + error, message }) }
    }
    if (operation === 'BatchExecuteStatement') return throttleLast(request, body, behaviour.unprocessed)
    return operation === 'BatchGetItem'
      ? hold(request, body, behaviour.unprocessed, 'UnprocessedKeys')
      : hold(request, body, behaviour.unprocessed, 'UnprocessedItems')
  }

  async function pass({ headers }: IncomingMessage, body: string) {
    const kept = ['x-amz-target', 'authorization', 'x-amz-date', 'content-type'] as const
    const given = kept.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]]))
    const answered = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: Object.fromEntries(given) as Record<string, string>,
      body,
    })
    return { status: answered.status, body: await answered.text() }
  }

  /** A batch of one table goes on without its last `count` entries, which the answer then calls unprocessed. */
  async function hold(request: IncomingMessage, body: Call['body'], count: number, name: string) {
    const [[table, asked] = assert.fail()] = Object.entries(body.RequestItems ?? {})
    const isRead = name === 'UnprocessedKeys'
    const entries = (isRead ? (asked as { Keys: unknown[] }).Keys : asked) as unknown[]
    const [done, held] = [entries.slice(0, -count || undefined), entries.slice(-count || entries.length)]
    const shaped = (some: unknown[]) => ({ [table]: isRead ? { ...(asked as object), Keys: some } : some })
    if (done.length === 0) return { status: 200, body: JSON.stringify({ [name]: shaped(held) }) }
    const { status, body: text } = await pass(
      request,
      JSON.stringify({ ...body, RequestItems: shaped(done) }),
    )
    if (status !== 200 || held.length === 0) return { status, body: text }
    return { status, body: JSON.stringify({ ...(JSON.parse(text) as object), [name]: shaped(held) }) }
  }

  /** A batch of statements goes on without its last `count`, which are answered as throttled. */
  async function throttleLast(request: IncomingMessage, body: Call['body'], count: number) {
    const { Statements: all = [] } = body
    const done = all.slice(0, Math.max(0, all.length - count))
    const text = done.length > 0 ? await pass(request, JSON.stringify({ ...body, Statements: done })) : EMPTY
    const { Responses: answers = [] } = JSON.parse(text.body) as { Responses?: object[] }
    const error = {
      Code: 'ThrottlingError',
      Message: 'Throughput exceeds the current capacity of your table.',
    }
    const throttled = all.slice(done.length).map(() => ({ Error: error }))
    return { status: text.status, body: JSON.stringify({ Responses: [...answers, ...throttled] }) }
  }

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
