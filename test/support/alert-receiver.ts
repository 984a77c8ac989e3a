import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What the form `webhook` sends. */
export interface AlertDocument {
  readonly version: number
  readonly from: string
  readonly at: string
  readonly alerts: readonly ToldAlert[]
}

export interface ToldAlert {
  readonly status: 'firing' | 'resolved' | 'unwatched'
  readonly rule: string
  readonly severity: string
  readonly subject: string
  readonly summary: string
  readonly advice: string
  readonly since: string
}

/** Whom alerts are told to: a server on this machine that keeps what it gets. */
export interface Receiver extends AsyncDisposable {
  readonly url: string
  /** What was posted, in order. */
  readonly bodies: readonly string[]
  readonly documents: readonly AlertDocument[]
  /** The first alert that was told, or is, with this status by this rule. */
  told(status: ToldAlert['status'], rule: string): Promise<ToldAlert>
  /** Resolves when so many messages have come. */
  came(messages: number): Promise<void>
}

const LIMIT_MS = 60_000

/** `answer` may answer as it likes, late or never; else it is 200. */
export async function openReceiver(
  answer: (response: ServerResponse) => void = (response) => void response.end('ok'),
): Promise<Receiver> {
  const bodies: string[] = []
  const waiting = new Set<() => void>()
  const server = createServer((request, response) => void take(request, response))

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    bodies.push(await text(request))
    for (const look of waiting) look()
    answer(response)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const documents = (): AlertDocument[] => bodies.map((body) => JSON.parse(body) as AlertDocument)

  async function until<T>(find: () => T | undefined, what: string): Promise<T> {
    const found = Promise.withResolvers<T>()
    const look = (): void => {
      const value = find()
      if (value !== undefined) found.resolve(value)
    }
    const giveUp = () =>
      found.reject(new Error(`no ${what} within a minute; there came ${bodies.join('\n') || 'nothing'}`))
    const timer = setTimeout(giveUp, LIMIT_MS)
    waiting.add(look)
    look()
    try {
      return await found.promise
    } finally {
      clearTimeout(timer)
      waiting.delete(look)
    }
  }

  return {
    url: `http://127.0.0.1:${port}/hooks/7f3a-secret-path?key=hunter2`,
    bodies,
    get documents() {
      return documents()
    },
    told(status, rule) {
      const find = () =>
        documents()
          .flatMap(({ alerts }) => alerts)
          .find((alert) => alert.status === status && alert.rule === rule)
      return until(find, `${status} ${rule}`)
    },
    came: (messages) =>
      until(() => bodies.length >= messages || undefined, `message ${messages}`).then(() => {}),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
