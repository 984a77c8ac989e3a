import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { createAccess } from '../../../src/console/access.ts'
import { type Admin, openAdmin } from '../../../src/console/admin.ts'
import { createAttempts } from '../../../src/console/attempts.ts'
import { createSessions } from '../../../src/console/sessions.ts'
import { silent } from '../../support/queue-context.ts'
import { head, openConnection, statusesIn } from '../../support/raw-http.ts'

const TOKEN = 'a reader of the test'

/** As much of the listener as answers without a store. */
const openListener = (): FastifyInstance =>
  openAdmin({
    page: undefined,
    logger: silent,
    stopping: new AbortController().signal,
    look: () => Promise.reject(new Error('nothing to look at')),
    newNumber: () => () => ({ run: 'console', seq: 0 }),
    access: createAccess({
      token: 'an operator of the test',
      readOnlyToken: TOKEN,
      publicUrl: undefined,
      sessions: createSessions(() => 0),
      attempts: createAttempts(() => 0),
    }),
  } as unknown as Admin)

describe('the listener for operators', () => {
  let app: FastifyInstance
  let url: string

  beforeEach(async () => {
    app = openListener()
    url = await app.listen({ port: 0, host: '127.0.0.1' })
  })
  afterEach(() => app.close())

  test('gives a request 30 s to arrive, its head 10 s, and holds at most 500 connections', () => {
    const { headersTimeout, requestTimeout, timeout, maxConnections } = app.server
    assert.deepEqual([headersTimeout, requestTimeout], [10_000, 30_000])
    assert.deepEqual([timeout, maxConnections], [300_000, 500])
  })

  test('ends a body that comes slowly from somebody without a token, and no page that listens', async () => {
    Object.assign(app.server, { headersTimeout: 1_000, requestTimeout: 1_000 })
    using live = openConnection(url)
    live.write(`GET /api/live HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`)
    await live.received(/no news/)
    using slow = openConnection(`${url}/api/session`)
    slow.write(`${head(`${url}/api/session`, 'content-type: application/json', 'content-length: 100')}{`)
    assert.deepEqual(statusesIn(await slow.closed), [408])
    const sofar = (await live.received(/no news/)).split('no news').length
    await live.received(new RegExp(`(?:no news[^]*){${sofar}}`))
  })

  test('closes a connection too many as it comes', async () => {
    app.server.maxConnections = 1
    using first = openConnection(url)
    first.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await first.received(/for operators/)
    using second = openConnection(url)
    assert.equal(await second.closed, '')
  })
})
