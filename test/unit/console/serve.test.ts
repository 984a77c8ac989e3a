import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fastify from 'fastify'
import { z } from 'zod'
import { type Access, createAccess } from '../../../src/console/access.ts'
import { createAttempts } from '../../../src/console/attempts.ts'
import { route } from '../../../src/console/route.ts'
import { serve } from '../../../src/console/serve.ts'
import { createSessions } from '../../../src/console/sessions.ts'
import { silent } from '../../support/queue-context.ts'

const access: Access = createAccess({
  token: undefined,
  readOnlyToken: undefined,
  publicUrl: undefined,
  sessions: createSessions(() => 0),
  attempts: createAttempts(() => 0),
})

describe('an API that is served', () => {
  const app = fastify({ forceCloseConnections: true })
  const logged: string[] = []
  const asked = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  let url: string

  before(async () => {
    const routes = [
      route({
        path: '/slow',
        summary: 'Takes until nobody waits for it any more',
        answer: z.undefined(),
        async handle({ signal }) {
          asked.resolve()
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          ended.resolve()
          throw signal.reason
        },
      }),
      route({
        path: '/broken',
        summary: 'Has a bug',
        answer: z.undefined(),
        handle() {
          throw new TypeError('a bug')
        },
      }),
      route({
        method: 'POST',
        path: '/echo',
        summary: 'Tells what it was told',
        body: z.strictObject({ told: z.unknown() }),
        answer: z.unknown(),
        handle: ({ body }) => body,
      }),
      route({
        path: '/stream',
        summary: 'Has no end',
        type: 'text/event-stream',
        answer: z.undefined(),
        handle({ reply }) {
          reply.raw.writeHead(200).flushHeaders()
          reply.hijack()
          return undefined
        },
      }),
    ]
    const logger = { ...silent, error: (fields: object) => void logged.push(Object(fields).path) }
    serve(app, { routes, access, logger })
    url = await app.listen({ port: 0, host: '127.0.0.1' })
  })
  after(() => app.close())

  test('takes it for no failure that somebody who asked has gone', async () => {
    const gone = new AbortController()
    const asking = fetch(`${url}/slow`, { signal: gone.signal })
    await asked.promise
    gone.abort()
    await assert.rejects(asking)
    await ended.promise
    assert.equal((await fetch(`${url}/broken`)).status, 500)
    assert.deepEqual(logged, ['/broken'])
  })

  test('answers a HEAD at once, also where a GET is answered without an end', async () => {
    const response = await fetch(`${url}/stream`, { method: 'HEAD', signal: AbortSignal.timeout(10_000) })
    assert.equal(response.status, 404)
  })

  test('reads 64 levels of lists and objects; of 400,000 it said that something unforeseen had happened', async () => {
    const statusOf = async (levels: number): Promise<readonly [number, string | undefined]> => {
      const response = await fetch(`${url}/echo`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: `{"told":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`,
      })
      return [response.status, ((await response.json()) as { code?: string }).code]
    }
    assert.deepEqual(await statusOf(64), [200, undefined])
    assert.deepEqual(await statusOf(65), [400, 'REQUEST_INVALID'])
    assert.deepEqual(await statusOf(400_000), [400, 'REQUEST_INVALID'])
  })
})
