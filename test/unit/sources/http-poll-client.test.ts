import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { collect, inflate } from '../../../src/sources/http/body.ts'
import { type Answer, createClient } from '../../../src/sources/http/client.ts'
import httpPoll from '../../../src/sources/http-poll/index.ts'
import { createSecrets } from '../../../src/sources/http/secrets.ts'
import { createTarget } from '../../../src/sources/http/target.ts'
import { Trouble } from '../../../src/sources/http/trouble.ts'
import { HELD, openProvider, type Reply } from '../../support/provider.ts'

const never = new AbortController().signal
const KEY = 'k3y-of-ours-0123456789'

/** One request of a source with these settings. */
async function ask(settings: object, signal = never): Promise<Answer> {
  const config = httpPoll.config.parse(settings)
  const secrets = createSecrets(config)
  const client = createClient(config, secrets, Date.now)
  try {
    return await client.ask(createTarget(config, secrets).ask({ page: 1 }), signal)
  } finally {
    await client.destroy()
  }
}

const troubleOf = async (asked: Promise<Answer>): Promise<Trouble> => {
  const error = await asked.then(
    () => assert.fail('expected trouble'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof Trouble, String(error))
  return error
}

/** A server that speaks to whoever asks it, in whatever language. */
async function openRaw(speak: (socket: Socket) => void): Promise<{ url: string } & AsyncDisposable> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => speak(socket))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Says this at once, and then a byte every few milliseconds, without end. */
const openDripping = (start: string) =>
  openRaw((socket) => {
    socket.write(start)
    const timer = setInterval(() => socket.write('x'), 10)
    socket.once('close', () => clearInterval(timer))
  })

const textOf = async (settings: object): Promise<string> => (await ask(settings)).body.toString()

describe('a body', () => {
  const plain = Buffer.from(JSON.stringify({ reviews: ['ü'.repeat(2_000)] }))
  const COMPRESSED = {
    gzip: gzipSync(plain),
    deflate: deflateSync(plain),
    'deflate without its header': deflateRawSync(plain),
    br: brotliCompressSync(plain),
    zstd: zstdCompressSync(plain),
  }

  for (const [name, body] of Object.entries(COMPRESSED)) {
    const encoding = name.split(' ')[0] ?? ''
    const headers = { 'content-encoding': encoding.toUpperCase() }

    test(`compressed with ${name} comes out as it was`, async () => {
      await using provider = await openProvider(() => ({ body, headers }))
      assert.equal(await textOf({ url: provider.url }), plain.toString())
      assert.match(String(provider.asked[0]?.headers['accept-encoding']), new RegExp(`\\b${encoding}\\b`))
    })

    test(`compressed with ${name} and cut off is asked for again`, async () => {
      await using provider = await openProvider(() => ({ body: body.subarray(0, -4), headers }))
      const { code, message } = await troubleOf(ask({ url: provider.url }))
      assert.equal(code, 'PROVIDER_UNAVAILABLE')
      assert.match(message, /expected a whole body in \w+, found another/)
    })

    test(`compressed with ${name} with more behind it is not taken for the whole`, async () => {
      await using provider = await openProvider(() => ({
        body: Buffer.concat([body, body.subarray(0, 9)]),
        headers,
      }))
      const { code } = await troubleOf(ask({ url: provider.url }))
      assert.ok(['PAGE_UNREADABLE', 'PROVIDER_UNAVAILABLE'].includes(code))
    })

    test(`compressed with ${name} is taken up to the limit of its inflated size, and no byte more`, async () => {
      await using provider = await openProvider(() => ({ body, headers }))
      assert.equal(await textOf({ url: provider.url, maxBodyBytes: plain.length }), plain.toString())
      const { code, message } = await troubleOf(ask({ url: provider.url, maxBodyBytes: plain.length - 1 }))
      assert.equal(code, 'PAGE_UNREADABLE')
      assert.match(message, /at most \d+ bytes, found more: ask for smaller pages or raise max_body_bytes/)
    })
  }

  test('compressed in a way nobody asked for says what was expected', async () => {
    await using provider = await openProvider(() => ({ body: 'x', headers: { 'content-encoding': 'lzma' } }))
    const { code, message } = await troubleOf(ask({ url: provider.url }))
    assert.deepEqual(
      [code, message],
      ['PAGE_UNREADABLE', 'expected a content-encoding of gzip, deflate, br, zstd, found another'],
    )
  })

  test('in zstd with a window of more than 8 MiB is refused', async () => {
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x70, 0x01, 0x00, 0x00])
    await assert.rejects(async () => inflate(frame, 'zstd', 100), { code: 'PROVIDER_UNAVAILABLE' })
    frame[5] = 0x68
    assert.equal((await inflate(frame, 'zstd', 100)).length, 0, 'the same frame with 8 MiB')
  })

  test('is measured as it comes, whatever length was announced', async () => {
    async function* endless(): AsyncGenerator<Buffer> {
      while (true) yield Buffer.alloc(1_000)
    }
    await assert.rejects(async () => collect(endless(), 10_000), { code: 'PAGE_UNREADABLE' })
  })

  test('a bomb takes little more memory than the limit', async () => {
    const member = gzipSync(Buffer.alloc(2 ** 22))
    const bomb = Buffer.concat(Array.from({ length: 100 }, () => member))
    const before = process.memoryUsage().rss
    await assert.rejects(async () => inflate(bomb, 'gzip', 2 ** 20), { code: 'PAGE_UNREADABLE' })
    const grown = process.memoryUsage().rss - before
    assert.ok(grown < 64 * 2 ** 20, `${grown} bytes`)
  })

  test('that is a bomb is given up, and what it says beside an error is left out', async () => {
    const bomb = gzipSync(Buffer.alloc(2 ** 26, ' '))
    const headers = { 'content-encoding': 'gzip', 'content-type': 'application/json' }
    await using provider = await openProvider((_, n) => ({
      status: n === 1 ? 200 : 500,
      body: bomb,
      headers,
    }))
    const before = process.memoryUsage().rss
    const page = await troubleOf(ask({ url: provider.url }))
    assert.match(page.message, /at most 16777216 bytes, found more/)
    const { status, message } = await troubleOf(ask({ url: provider.url }))
    assert.equal(status, 500)
    assert.match(message, /found 500 Internal Server Error: the provider is unwell/)
    const grown = process.memoryUsage().rss - before
    assert.ok(grown < 96 * 2 ** 20, `${grown} bytes`)
  })

  test('that comes byte by byte takes no more memory than another', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    const block = Buffer.alloc(1_024, 'x')
    const count = 2 ** 18
    let grown = 0
    function held(): number {
      collectGarbage()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    async function* bytes(): AsyncGenerator<Buffer> {
      const before = held()
      for (let n = 0; n < count; n++) yield block.subarray(n % 1_024, (n % 1_024) + 1)
      grown = held() - before
    }
    assert.equal((await collect(bytes(), count)).length, count)
    assert.ok(grown < 8 * 2 ** 20, `${grown} bytes`)
  })
})

describe('a redirect', () => {
  const settings = (url: string) => ({
    url: `${url}/reviews?lang=en`,
    headers: { authorization: `Bearer ${KEY}`, 'x-shop': 'headers-are-ours' },
    params: { api_key: KEY, format: 'json' },
  })

  test('within the host is followed with headers, up to five times', async () => {
    await using provider = await openProvider((_, n) =>
      n <= 5
        ? { status: 302, headers: { location: `/moved/${n}?api_key=${KEY}` } }
        : { body: { reviews: [] } },
    )
    await ask(settings(provider.url))
    assert.deepEqual(
      provider.asked.slice(1).map(({ path }) => path),
      [1, 2, 3, 4, 5].map((n) => `/moved/${n}`),
    )
    for (const { headers, params } of provider.asked) {
      assert.equal(headers.authorization, `Bearer ${KEY}`)
      assert.equal(params.get('api_key'), KEY)
    }
  })

  test('that goes on and on is refused', async () => {
    await using provider = await openProvider(() => ({ status: 302, headers: { location: '/again' } }))
    const { code, message } = await troubleOf(ask(settings(provider.url)))
    assert.equal(code, 'PROVIDER_REFUSED')
    assert.match(message, /found more than 5 redirects/)
    assert.equal(provider.asked.length, 6)
  })

  for (const status of [301, 302, 303, 307, 308]) {
    test(`to another host with ${status} takes neither headers nor secret parameters along`, async () => {
      await using other = await openProvider(() => ({ body: { reviews: [] } }))
      await using provider = await openProvider(() => ({
        status,
        headers: { location: `${other.url}/there?api_key=${KEY}&token=${KEY}&page=1&format=json` },
      }))
      await ask(settings(provider.url))
      const [asked] = other.asked
      assert.equal(asked?.path, '/there')
      assert.deepEqual(Object.fromEntries(asked?.params ?? []), { page: '1', format: 'json' })
      assert.equal(asked?.headers.authorization, undefined)
      assert.equal(asked?.headers['x-shop'], undefined)
      assert.ok(!JSON.stringify(asked).includes(KEY))
    })
  }

  test('to another host, on to another page of it and back is not trusted again', async () => {
    let back = ''
    await using other = await openProvider((_, n) => ({
      status: 302,
      headers: { location: n === 1 ? '/more' : back },
    }))
    await using provider = await openProvider(({ path }) =>
      path === '/back' ? { body: { reviews: [] } } : { status: 302, headers: { location: other.url } },
    )
    back = `${provider.url}/back`
    await ask(settings(provider.url))
    assert.deepEqual(
      [...other.asked, ...provider.asked.slice(1)].map(({ path, headers }) => [path, headers.authorization]),
      [
        ['/', undefined],
        ['/more', undefined],
        ['/back', undefined],
      ],
    )
  })

  for (const where of ['/in/KEY/path', '/?next=/x?api_key=KEY', '/?q=%22KEY%22']) {
    test(`to another host with a secret in ${where} is not followed`, async () => {
      await using other = await openProvider(() => ({ body: { reviews: [] } }))
      await using provider = await openProvider(() => ({
        status: 302,
        headers: { location: other.url + where.replace('KEY', KEY) },
      }))
      const { code, message } = await troubleOf(ask(settings(provider.url)))
      assert.equal(code, 'PROVIDER_REFUSED')
      assert.match(message, /redirects to another host with a secret of the config/)
      assert.ok(!message.includes(KEY))
      assert.equal(other.asked.length, 0)
    })
  }

  test('to another host that answers with an error names that host', async () => {
    await using other = await openProvider(() => ({ status: 401 }))
    await using provider = await openProvider(() => ({ status: 302, headers: { location: other.url } }))
    const { message } = await troubleOf(ask(settings(provider.url)))
    assert.match(message, new RegExp(`from ${provider.url}/reviews, redirected to ${other.url}, found 401`))
  })

  test('to something that is no web page is refused', async () => {
    for (const location of ['file:///etc/passwd', 'http://', 'ftp://127.0.0.1/']) {
      await using provider = await openProvider(() => ({ status: 302, headers: { location } }))
      const { code, message } = await troubleOf(ask(settings(provider.url)))
      assert.equal(code, 'PROVIDER_REFUSED')
      assert.match(message, /expected a redirect of .* to an http or https URL/)
    }
  })

  test('posts again only where the status says so, and never to another host', async () => {
    await using other = await openProvider(() => ({ body: { reviews: [] } }))
    const bodyAt = async (status: number, to: string) => {
      await using provider = await openProvider(({ path }) =>
        path === '/there' ? { body: { reviews: [] } } : { status, headers: { location: to } },
      )
      const asked = { ...settings(provider.url), method: 'POST', body: `{"token":"${KEY}"}` }
      const trouble = await ask(asked).then(
        () => undefined,
        (error: Trouble) => error.message,
      )
      return trouble ?? [...provider.asked, ...other.asked].slice(1).map(({ method, body }) => [method, body])
    }
    for (const status of [301, 302, 303]) {
      assert.deepEqual(await bodyAt(status, '/there'), [['GET', '']])
    }
    for (const status of [307, 308]) {
      assert.deepEqual(await bodyAt(status, '/there'), [['POST', `{"token":"${KEY}"}`]])
      assert.match(String(await bodyAt(status, other.url)), /redirects what is posted to http:\/\/127/)
    }
    assert.equal(other.asked.length, 0)
    assert.deepEqual(await bodyAt(302, other.url), [['GET', '']])
  })

  test('with a large body is followed all the same', async () => {
    await using provider = await openProvider(({ path }) =>
      path === '/there'
        ? { body: { reviews: [] } }
        : { status: 302, headers: { location: '/there' }, body: 'x'.repeat(3 * 2 ** 20) },
    )
    await ask(settings(provider.url))
    assert.equal(provider.asked.length, 2)
  })
})

describe('a request', () => {
  const unavailable = async (url: string, why: RegExp, more: object = {}): Promise<void> => {
    const { code, message, isShared } = await troubleOf(ask({ url, ...more }))
    assert.deepEqual([code, isShared], ['PROVIDER_UNAVAILABLE', true])
    assert.match(message, why)
  }

  test('that nobody answers in time ends, whichever part of the answer is late, however busy it looks', async () => {
    await using mute = await openRaw(() => {})
    const secure = mute.url.replace('http:', 'https:')
    await unavailable(secure, /found no connection within 100 ms$/, { connectTimeoutMs: '100ms' })
    await using silent = await openProvider(() => HELD)
    await unavailable(silent.url, /found none within 100 ms$/, { timeoutMs: '100ms' })
    const start = 'HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n'
    await using slowHeaders = await openDripping(start)
    await unavailable(slowHeaders.url, /found none within 200 ms$/, { timeoutMs: '200ms' })
    await using slowBody = await openDripping(`${start}\r\n`)
    await unavailable(slowBody.url, /found a body that was not there within 200 ms$/, {
      timeoutMs: '1m',
      bodyTimeoutMs: '200ms',
    })
  })

  test('whose redirect drips is followed all the same', async () => {
    await using provider = await openProvider(() => ({ body: { reviews: [] } }))
    const moved = `HTTP/1.1 302 Found\r\nlocation: ${provider.url}\r\ncontent-length: 100000\r\n\r\n`
    await using slow = await openDripping(moved)
    assert.equal((await ask({ url: slow.url, bodyTimeoutMs: '2s' })).status, 200)
  })

  test('that is cut off, refused, or answered with something else than HTTP says so', async () => {
    await using provider = await openProvider(() => 'hang up')
    await unavailable(provider.url, /found UND_ERR_SOCKET/)
    const { url } = provider
    await provider[Symbol.asyncDispose]()
    await unavailable(url, /found ECONNREFUSED/)
    await unavailable('http://nowhere.invalid', /found (ENOTFOUND|EAI_AGAIN)/)
    for (const [answer, why] of [
      ['SSH-2.0-OpenSSH_9.6\r\n', /found HTTPParserError: Response does not match/],
      ['HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort', /found UND_ERR_SOCKET/],
      ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', /found HTTPParserError/],
    ] as const) {
      await using server = await openRaw((socket) => socket.end(answer))
      await unavailable(server.url, why)
    }
  })

  test('to a server without a certificate that is trusted says so', async () => {
    await using provider = await openProvider(() => ({ body: {} }))
    await unavailable(provider.url.replace('http:', 'https:'), /found E(RR_SSL|PROTO)/)
  })

  test('ends with the reason of whoever stops it', async () => {
    const stop = new AbortController()
    await using provider = await openProvider(() => {
      stop.abort(new Error('enough'))
      return new Promise<Reply>(() => {})
    })
    await assert.rejects(async () => ask({ url: provider.url }, stop.signal), { message: 'enough' })
  })

  test('keeps what the provider said about an error, in one short line, also compressed', async () => {
    const said = async (reply: Reply): Promise<string> => {
      await using provider = await openProvider(() => ({ status: 400, ...reply }))
      return (await troubleOf(ask({ url: provider.url }))).message.replace(/.*found 400 Bad Request/, '')
    }
    const json = { 'content-type': 'application/problem+json' }
    const advice = ': compare url, params and body with what the provider documents'
    assert.equal(await said({ body: '{"a":\n\t"b"}', headers: json }), ` ({"a": "b"})${advice}`)
    const headers = { ...json, 'content-encoding': 'gzip' }
    assert.equal(await said({ body: gzipSync('bad asin'), headers }), ` (bad asin)${advice}`)
    assert.equal(await said({ body: 'x'.repeat(1_000), headers: json }), ` (${'x'.repeat(200)})${advice}`)
    assert.equal(await said({ body: '<html>a page for people</html>' }), advice)
    assert.equal(await said({ body: 'x'.repeat(100_000), headers: json }), advice)
  })

  test('that was told to wait keeps the wait although the rest of the answer never comes', async () => {
    await using server = await openRaw((socket) =>
      socket.write('HTTP/1.1 429 Wait\r\nretry-after: 77\r\ncontent-length: 100\r\n\r\n{'),
    )
    const trouble = await troubleOf(ask({ url: server.url, bodyTimeoutMs: '100ms' }))
    assert.equal(trouble.retryAfterMs, 77_000)
  })
})
