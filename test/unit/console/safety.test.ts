import assert from 'node:assert/strict'
import { request } from 'node:http'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { createAccess } from '../../../src/console/access.ts'
import { createAttempts } from '../../../src/console/attempts.ts'
import { readPage, servePage } from '../../../src/console/page.ts'
import { createSessions } from '../../../src/console/sessions.ts'
import { type Operators, openOperators } from '../../support/operators.ts'
import { review } from '../../support/reviews.ts'
import { type TemporaryFolder, temporaryFolder } from '../../support/temp.ts'

const TOKEN = 'an operator of the test'
const READ_ONLY = 'a reader of the test'
const PUBLIC = 'https://headwater.example.com'

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** A request with a Host of its own, which `fetch` does not let one have. */
function askAs(url: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}

describe('a console without a token', () => {
  let folder: TemporaryFolder
  let operators: Operators

  before(async () => {
    folder = await temporaryFolder()
    operators = await openOperators(folder.path, { admin: { public_url: PUBLIC } })
  })
  after(async () => {
    await operators[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const pause = (headers: Readonly<Record<string, string>>): Promise<Response> =>
    operators.fetch('/api/sources/hook/pause', { method: 'POST', headers })

  test('lets programs and its own page change things, and no page of another place', async () => {
    assert.equal((await pause({})).status, 200)
    assert.equal((await pause({ origin: operators.url, 'sec-fetch-site': 'same-origin' })).status, 200)
    assert.equal((await pause({ origin: PUBLIC })).status, 200)
    assert.equal((await pause({ origin: 'https://evil.example' })).status, 403)
    assert.equal((await pause({ origin: 'null' })).status, 403)
    assert.equal((await pause({ 'sec-fetch-site': 'cross-site' })).status, 403)
    assert.equal((await pause({ origin: operators.url, 'sec-fetch-site': 'same-site' })).status, 403)
    // A token that nobody asks for proves nothing.
    assert.equal((await pause({ origin: 'https://evil.example', ...bearer('x') })).status, 403)
  })

  test('reads nothing that a form of another page could send', async () => {
    const response = await fetch(`${operators.url}/api/repairs`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{"source":"hook"}',
    })
    assert.equal(response.status, 415)
  })

  test('answers nobody who was led here under a name that is not its own', async () => {
    const { port } = new URL(operators.url)
    for (const path of ['/api/reviews', '/api/settings', '/metrics', '/health/sources']) {
      const url = operators.url + path
      assert.equal(await askAs(url, { host: `evil.example:${port}` }), 403, path)
      assert.equal(await askAs(url, { host: `127.0.0.1.evil.example:${port}` }), 403, path)
      assert.equal(await askAs(url, { host: `localhost:${port}` }), 200, path)
      assert.equal(await askAs(url, { host: `[::1]:${port}` }), 200, path)
      assert.equal(await askAs(url, { host: 'headwater.example.com' }), 200, path)
    }
    assert.equal(await askAs(`${operators.url}/health/ready`, { host: 'load-balancer' }), 200)
  })

  test('has an address that is not there refused as everything is', async () => {
    const response = await operators.fetch('/api/nothing')
    const { code } = (await response.json()) as { code: string }
    assert.deepEqual([response.status, code], [404, 'NOT_FOUND'])
  })

  test('tells hostile text as JSON alone, which no browser takes for a page', async () => {
    await operators.ask('/api/sources/hook/resume', { method: 'POST' })
    const hostile = '<img src=x onerror=alert(1)>\u202e<script>alert(2)</script>'
    const text = { review_text: hostile, title: hostile, user_id: hostile }
    await operators.bring([
      review('X1', text),
      review('X2', { ...text, rating: hostile }),
      `<html>${hostile}`,
    ])
    const { records } = await operators.ask<{ records: { key: string }[] }>('/api/reviews')
    const [cluster] = await operators.ask<{ cluster: string }[]>('/api/clusters')
    assert.ok(records.length === 3 && cluster)
    const paths = records.flatMap(({ key }) => [`/api/reviews/${key}`, `/api/reviews/${key}/raw`])
    for (const path of [
      '/api/reviews',
      '/api/clusters',
      `/api/clusters/${cluster.cluster}`,
      '/api/nothing',
      '/health/live',
      '/health/sources',
      '/health/alerts',
      ...paths,
    ]) {
      const { headers } = await operators.fetch(path)
      const type = headers.get('content-type') ?? ''
      assert.match(type, path.endsWith('/raw') ? /^application\/octet-stream$/ : /^application\/json\b/, path)
      assert.equal(headers.get('x-content-type-options'), 'nosniff', path)
      if (path.startsWith('/api') && path !== '/api/nothing')
        assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/, path)
      if (path.endsWith('/raw')) assert.match(headers.get('content-disposition') ?? '', /^attachment;/, path)
    }
  })
})

describe('a console with tokens', () => {
  let folder: TemporaryFolder
  let operators: Operators

  before(async () => {
    folder = await temporaryFolder()
    const admin = { token: TOKEN, read_only_token: READ_ONLY, public_url: PUBLIC }
    operators = await openOperators(folder.path, { admin })
  })
  after(async () => {
    await operators[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  async function signIn(token: string): Promise<{ readonly cookie: string; readonly whole: string }> {
    const response = await operators.fetch('/api/session', { method: 'POST', body: { token } })
    assert.equal(response.status, 200, await response.text())
    const whole = response.headers.get('set-cookie') ?? ''
    return { cookie: whole.split(';')[0] ?? '', whole }
  }

  test('tells nobody anything without one, but whether it lives and what the API is', async () => {
    for (const path of [
      '/api/session',
      '/api/now',
      '/api/live',
      '/api/reviews',
      '/api/settings',
      '/metrics',
    ]) {
      const response = await operators.fetch(path)
      assert.equal(response.status, 401, path)
      assert.equal(response.headers.get('www-authenticate'), 'Bearer')
    }
    for (const path of ['/health/live', '/health/ready', '/api', '/'])
      assert.equal((await operators.fetch(path)).status, 200, path)
  })

  test('reads no more from who has shown nothing than a token takes', async () => {
    const statusOf = async (token: string): Promise<number> =>
      (await operators.fetch('/api/session', { method: 'POST', body: { token } })).status
    assert.equal(await statusOf('x'.repeat(12_000)), 400)
    assert.equal(await statusOf('x'.repeat(20_000)), 413)
  })

  test('lets readers look at everything, and change nothing', async () => {
    const headers = bearer(READ_ONLY)
    const document = await operators.ask<{
      paths: Record<string, Record<string, { description?: string }>>
    }>('/api')
    for (const path of ['/api/session', '/api/now', '/api/reviews', '/api/changes', '/metrics'])
      assert.equal((await operators.fetch(path, { headers })).status, 200, path)
    const changes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => method !== 'get' && path !== '/api/session' && !path.endsWith('/preview'))
        .map((method) => [
          method,
          path.replaceAll('{id}', '0'.repeat(16)).replaceAll('{key}', '0'.repeat(32)),
        ]),
    )
    assert.ok(changes.length > 10)
    for (const [method = '', path = ''] of changes) {
      const response = await operators.fetch(path.replace('{name}', 'hook').replace('{source}', 'hook'), {
        method: method.toUpperCase(),
        headers,
      })
      assert.equal(response.status, 403, `${method} ${path}`)
    }
  })

  test('gives a session for a token, in a cookie that no script and no other site has, until it is ended', async () => {
    const { cookie, whole } = await signIn(TOKEN)
    assert.match(whole, /; HttpOnly/)
    assert.match(whole, /; SameSite=Strict/)
    assert.match(whole, /; Secure/, 'browsers come by https')
    assert.match(whole, /^__Host-headwater=[^;]+; Path=\/;/)
    assert.doesNotMatch(whole, /Domain/i)
    const session = await operators.ask<{ role: string }>('/api/session', { headers: { cookie } })
    assert.equal(session.role, 'operator')
    const pause = (headers: Readonly<Record<string, string>>): Promise<Response> =>
      operators.fetch('/api/sources/hook/pause', { method: 'POST', headers: { cookie, ...headers } })
    assert.equal((await pause({ origin: PUBLIC })).status, 200)
    assert.equal((await pause({})).status, 403, 'a cookie without an origin')
    assert.equal((await pause({ origin: 'https://evil.example' })).status, 403)
    const { changes } = await operators.ask<{ changes: { who: string }[] }>('/api/changes', {
      headers: { cookie },
    })
    assert.match(changes[0]?.who ?? '', /^operator \(session [0-9a-f]{6}\)$/)
    await operators.ask('/api/session', { method: 'DELETE', headers: { cookie, origin: PUBLIC } })
    assert.equal((await operators.fetch('/api/session', { headers: { cookie } })).status, 401)
    const reader = await signIn(READ_ONLY)
    const role = await operators.ask<{ role: string }>('/api/session', { headers: { cookie: reader.cookie } })
    assert.equal(role.role, 'reader')
  })

  test('takes a token whatever the case of the word before it', async () => {
    const headers = { authorization: `bearer ${READ_ONLY}` }
    assert.equal((await operators.fetch('/api/session', { headers })).status, 200)
  })

  test('tells a page no more once the session that it listens with has ended', async () => {
    const { cookie } = await signIn(READ_ONLY)
    const headers = { cookie }
    const live = await operators.fetch('/api/live', { headers })
    assert.equal(live.status, 200)
    await operators.ask('/api/session', { method: 'DELETE', headers: { ...headers, origin: PUBLIC } })
    assert.match(await live.text(), /^retry: 2000/, 'the stream has an end')
  })

  test('slows down who guesses tokens, whichever way they are given, and leaves sessions alone', async () => {
    const { cookie } = await signIn(TOKEN)
    const guesses: number[] = []
    for (let n = 0; n < 4; n++) {
      const body = { token: `guess ${n}` }
      guesses.push((await operators.fetch('/api/session', { method: 'POST', body })).status)
      guesses.push((await operators.fetch('/api/now', { headers: bearer(`guess ${n}`) })).status)
    }
    assert.deepEqual(guesses.slice(0, 5), [401, 401, 401, 401, 401])
    assert.deepEqual(guesses.slice(5), [429, 429, 429])
    const right = await operators.fetch('/api/session', { method: 'POST', body: { token: TOKEN } })
    assert.equal(right.status, 429, 'also the right one is not looked at')
    assert.ok(Number(right.headers.get('retry-after')) >= 1)
    assert.equal((await operators.fetch('/api/session', { headers: { cookie } })).status, 200)
  })
})

describe('what is kept of those who ask', () => {
  test('is known by the port that the browser knows: two containers signed each other out', () => {
    const access = createAccess({
      token: TOKEN,
      readOnlyToken: undefined,
      publicUrl: undefined,
      sessions: createSessions(() => 0),
      attempts: createAttempts(() => 0),
    })
    const cookies = ['localhost:9001', 'localhost:9002', '[::1]'].map((host) => {
      let cookie = ''
      const reply = { header: (_: string, value: string) => (cookie = value) } as unknown as FastifyReply
      const request = {
        ip: '127.0.0.1',
        headers: { host },
        socket: { localPort: 8081 },
      } as unknown as FastifyRequest
      access.signIn(request, reply, TOKEN)
      return cookie.split('=')[0]
    })
    assert.deepEqual(cookies, ['headwater_9001', 'headwater_9002', 'headwater'])
  })

  test('wrong tokens cost ever more time, up to a minute, and are forgotten after a while', () => {
    let now = 0
    const attempts = createAttempts(() => now)
    const waits: number[] = []
    for (let n = 0; n < 14; n++) {
      const from = now
      for (;;) {
        try {
          attempts.check('10.0.0.1')
          break
        } catch {
          now += 500
        }
      }
      waits.push(now - from)
      attempts.failed('10.0.0.1')
    }
    assert.deepEqual(waits.slice(0, 8), [0, 0, 0, 0, 0, 1_000, 2_000, 4_000])
    assert.deepEqual(waits.slice(-2), [60_000, 60_000])
    attempts.check('10.0.0.2')
    now += 15 * 60_000
    attempts.check('10.0.0.1')
    for (let n = 0; n < 6; n++) attempts.failed(`2001:db8:1:2::${n}`)
    assert.throws(() => attempts.check('2001:db8:1:2:3:4:5:6'), /wrong tokens/)
    attempts.check('2001:db8:1:3::1')
    for (let n = 0; n < 6; n++) attempts.failed(`2001:db8::${n}:2:3:4`)
    assert.throws(() => attempts.check('2001:db8::5'), /wrong tokens/)
    attempts.check('2001:db8:0:1::5')
  })

  test('sessions end after twelve hours, and the oldest give way to new ones', () => {
    let now = 0
    const sessions = createSessions(() => now)
    const first = sessions.begin('reader')
    assert.equal(sessions.find(first)?.role, 'reader')
    now += 12 * 3_600_000
    assert.equal(sessions.find(first), undefined)
    const old = sessions.begin('operator')
    for (let n = 0; n < 1_000; n++) sessions.begin('reader')
    assert.equal(sessions.find(old), undefined)
    assert.equal(sessions.find('guessed'), undefined)
  })
})

test('the page runs nothing but its own files, which browsers keep, and is at every address of its own', async () => {
  await using folder = await temporaryFolder()
  await mkdir(join(folder.path, 'assets'))
  await writeFile(join(folder.path, 'index.html'), '<!doctype html><title>Headwater</title>')
  await writeFile(join(folder.path, 'assets', 'main-1a2b.js'), 'export {}')
  const page = await readPage(folder.path)
  assert.ok(page)
  const app = fastify()
  const send = servePage(app, page)
  app.get('/reviews/:key', (_, reply) => send(reply))
  const index = await app.inject('/')
  assert.match(String(index.headers['content-type']), /^text\/html/)
  assert.equal(index.headers['cache-control'], 'no-cache')
  const policy = String(index.headers['content-security-policy'])
  assert.match(policy, /default-src 'none'/)
  assert.match(policy, /script-src 'self'/)
  assert.match(policy, /frame-ancestors 'none'/)
  assert.doesNotMatch(policy, /unsafe|https?:|\*/)
  assert.equal(index.headers['referrer-policy'], 'no-referrer')
  const script = await app.inject('/assets/main-1a2b.js')
  assert.match(String(script.headers['content-type']), /^text\/javascript/)
  assert.match(String(script.headers['cache-control']), /immutable/)
  assert.equal(script.headers['x-content-type-options'], 'nosniff')
  assert.equal((await app.inject('/assets/..%2findex.html')).statusCode, 404)
  assert.equal((await app.inject('/reviews/1')).body, index.body)
  await app.close()
})

test('a page that is not built is not served', async () => {
  await using folder = await temporaryFolder()
  assert.equal(await readPage(folder.path), undefined)
})
