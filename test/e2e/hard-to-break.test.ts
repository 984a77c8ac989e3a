import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { outputOf, start } from '../support/cli.ts'
import {
  eventually,
  json,
  lines,
  type Row,
  rows,
  startUp,
  type Up,
  writeConfig,
} from '../support/pipeline.ts'
import { head, openConnection, statusesIn } from '../support/raw-http.ts'
import { review } from '../support/reviews.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { postSlowly } from '../support/webhook-listener.ts'

const MIB = 2 ** 20
/** What the process may take beyond what it had, whatever is sent: generous, and far less than the attacks ask for. */
const ROOM = 300 * MIB
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
const TOKEN = 'a-token-of-some-length'
const JSON_TYPE = { 'content-type': 'application/json' }

const CONFIG = `
sources:
  - { name: hook, type: webhook, max_body_bytes: 1MiB, max_inflated_bytes: 8MiB }
  - { name: wide, type: webhook }
  - { name: signed, type: webhook, verify: { scheme: standard-webhooks, secrets: ["${SECRET}"] } }
  - { name: hub, type: webhook, verify: { scheme: github, secrets: [It's a Secret to Everybody] } }
  - { name: linked, type: webhook, verify: { scheme: url-token, secrets: ["${TOKEN}"] } }
queue: { type: embedded }
store: { type: embedded }
http: { listen: "127.0.0.1:0", request_timeout: 2s }
admin: { listen: "127.0.0.1:0" }
`

/** Heap and anonymous memory of a process, in bytes. */
async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
}

/** The most that the process took while something went on. */
async function mostDuring(pid: number, work: () => Promise<void>): Promise<number> {
  let most = 0
  const look = async (): Promise<void> => {
    most = Math.max(most, await memoryOf(pid))
  }
  const timer = setInterval(() => void look().catch(() => {}), 20)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  await look()
  return most
}

function signed(body: string, id: string, at = new Date()): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000))
  const key = Buffer.from(SECRET.slice(6), 'base64')
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return {
    ...JSON_TYPE,
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${mac}`,
  }
}

describe('a running Headwater', () => {
  let folder: TemporaryFolder
  let up: Up

  before(async () => {
    folder = await temporaryFolder()
    await writeFile(join(folder.path, 'headwater.yaml'), CONFIG)
    up = await startUp(folder.path)
  })
  after(async () => {
    await up.process.kill()
    await folder[Symbol.asyncDispose]()
  })

  const url = (name: string): string => up.webhook.replace(/[^/]+$/, name)

  async function send(name: string, body: string | Buffer, headers: Record<string, string> = JSON_TYPE) {
    const answer = await fetch(url(name), { method: 'POST', body: Buffer.from(body), headers })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  /** How often something is stored: the rows of its source whose raw it is. */
  async function timesStored(name: string, raw: string): Promise<number> {
    const listed = await lines<Row>(['reviews', 'list', '--source', name, '--limit', '100000'], folder.path)
    return listed.filter((row) => row.raw === raw).length
  }

  async function isStored(name: string, raw: string): Promise<void> {
    await eventually(async () => ((await timesStored(name, raw)) > 0 ? true : undefined), 'the row')
  }

  const bombs: Record<string, (zeros: Buffer) => Buffer> = {
    gzip: gzipSync,
    deflate: deflateSync,
    br: brotliCompressSync,
    zstd: zstdCompressSync,
  }
  for (const [encoding, compress] of Object.entries(bombs)) {
    test(`a bomb of ${encoding} is a 413, again and again, and takes no memory to speak of`, async () => {
      const bomb = compress(Buffer.alloc(64 * MIB, '['))
      assert.ok(bomb.length < 300_000, `${bomb.length} bytes`)
      const had = await memoryOf(up.process.pid)
      const most = await mostDuring(up.process.pid, async () => {
        for (let round = 0; round < 5; round++) {
          const all = Array.from({ length: 8 }, () =>
            send('hook', bomb, { ...JSON_TYPE, 'content-encoding': encoding }),
          )
          for (const { status } of await Promise.all(all)) assert.equal(status, 413)
        }
      })
      assert.ok(most - had < ROOM, `${(most - had) / MIB} MiB more`)
    })
  }

  test('a body in chunks is a 413 once it is too large, however much would follow', async () => {
    const had = await memoryOf(up.process.pid)
    const most = await mostDuring(up.process.pid, async () => {
      const chunks = Array.from({ length: 1_000 }, () => Buffer.alloc(100_000, ' '))
      assert.equal(await postSlowly(url('hook'), JSON_TYPE, chunks), 413)
    })
    assert.ok(most - had < ROOM, `${(most - had) / MIB} MiB more`)
  })

  test('hundreds of senders that never finish are closed, and others are served meanwhile', async () => {
    const begun = [
      head(url('hook')).slice(0, -2),
      `${head(url('hook'), 'content-type: application/json', 'content-length: 1000000')}[`,
      `${head(url('hook'), 'content-type: application/json', 'transfer-encoding: chunked')}1\r\n[\r\n`,
      '',
    ]
    const had = await memoryOf(up.process.pid)
    const most = await mostDuring(up.process.pid, async () => {
      const slow = Array.from({ length: 800 }, () => openConnection(up.webhook))
      slow.forEach((connection, n) => connection.write(begun[n % begun.length] ?? ''))
      let closed = 0
      for (const connection of slow) void connection.closed.then(() => closed++)
      let served = 0
      while (closed < slow.length) {
        const raw = review(`meanwhile-${served++}`)
        assert.equal((await send('hook', raw)).status, 202)
      }
      for (const connection of slow)
        for (const status of statusesIn(await connection.closed)) assert.equal(status, 408)
      assert.ok(served > 0)
      await isStored('hook', review('meanwhile-0'))
    })
    assert.ok(most - had < ROOM, `${(most - had) / MIB} MiB more`)
  })

  test('100 MiB of control characters, sent as 100 kB, were no end of it: they are one dead letter', async () => {
    const raw = Buffer.alloc(100 * MIB, 1)
    const had = await memoryOf(up.process.pid)
    const most = await mostDuring(up.process.pid, async () => {
      const { status, body } = await send('wide', gzipSync(raw), { ...JSON_TYPE, 'content-encoding': 'gzip' })
      assert.equal(status, 202)
      assert.deepEqual([body['received'], body['rejected']], [1, 1])
      assert.equal((body['errors'] as { code: string }[])[0]?.code, 'message_too_large')
    })
    assert.ok(most - had < 1_024 * MIB, `${(most - had) / MIB} MiB more`)
    const dead = await outputOf(
      ['dlq', 'export', '--source', 'wide', '--raw', '--framing', 'length'],
      folder.path,
    )
    assert.equal(dead.subarray(0, 10).toString(), `${raw.length}\n`)
    assert.ok(dead.subarray(10, -1).equals(raw))
    const [row] = await lines<Row>(['dlq', 'list', '--source', 'wide'], folder.path)
    assert.ok(
      Buffer.from(row?.rawBase64 ?? '', 'base64').equals(raw),
      'one such row kept a list from being printed',
    )
  })

  test('a wrong signature and a stale timestamp are a 401, and nothing is stored', async () => {
    const raw = review('forged')
    const old = new Date(Date.now() - 3_600_000)
    assert.equal((await send('signed', raw, signed(`${raw} `, 'm-1'))).status, 401)
    const stale = await send('signed', raw, signed(raw, 'm-2', old))
    assert.deepEqual([stale.status, stale.body['error']], [401, 'the timestamp of the delivery is too old'])
    assert.equal((await send('signed', raw)).status, 401)
    const signature = `sha256=${createHmac('sha256', 'guessed').update(raw).digest('hex')}`
    assert.equal((await send('hub', raw, { ...JSON_TYPE, 'x-hub-signature-256': signature })).status, 401)
    assert.equal((await send('linked?token=guessed-but-long-enough', raw)).status, 401)
    assert.equal((await send('hook', review('after the forged ones'))).status, 202)
    await isStored('hook', review('after the forged ones'))
    for (const name of ['signed', 'hub', 'linked']) assert.equal(await timesStored(name, raw), 0)
  })

  test('a delivery that is sent twice is a 202 twice, and is stored once', async () => {
    const deliveries: readonly [name: string, raw: string, headers: Record<string, string>][] = [
      ['signed', review('twice'), signed(review('twice'), 'm-3')],
      [
        'hub',
        review('twice from the hub'),
        {
          ...JSON_TYPE,
          'x-github-delivery': 'd-1',
          'x-hub-signature-256': `sha256=${createHmac('sha256', "It's a Secret to Everybody")
            .update(review('twice from the hub'))
            .digest('hex')}`,
        },
      ],
    ]
    for (const [name, raw, headers] of deliveries) {
      const first = await send(name, raw, headers)
      assert.deepEqual([first.status, first.body['accepted']], [202, 1])
      const second = await send(name, raw, headers)
      assert.deepEqual([second.status, second.body['duplicate']], [202, true])
      await isStored(name, raw)
      assert.equal(await timesStored(name, raw), 1)
    }
  })

  test('a token of a URL is taken, and stands in nothing that was written or printed', async () => {
    const raw = review('by a link')
    assert.equal((await send(`linked?token=${TOKEN}`, raw)).status, 202)
    await send(`linked?token=${TOKEN}`, '')
    await send(`linked?token=${TOKEN}&token=${TOKEN}`, raw)
    await isStored('linked', raw)
    const config = await outputOf(['config', 'print'], folder.path)
    const exported = await outputOf(['reviews', 'export', '--source', 'linked'], folder.path)
    const metrics = await (await fetch(`${up.admin}/metrics`)).text()
    for (const text of [config.toString(), exported.toString(), metrics]) assert.ok(!text.includes(TOKEN))
  })

  test('is still itself after all this, tells no error, no secret and no token, and its data are sound', async () => {
    assert.equal((await fetch(`${up.admin}/health/live`)).status, 200)
    assert.equal((await fetch(`${up.admin}/health/ready`)).status, 200)
    const { code, stdout, stderr } = await up.process.stop()
    assert.equal(code, 0, stderr)
    assert.doesNotMatch(stderr, /"level":"error"/)
    for (const secret of [TOKEN, SECRET.slice(6), 'Secret to Everybody'])
      assert.ok(!(stdout + stderr).includes(secret))
    assert.equal((await json<{ ok: boolean }>(['audit'], folder.path)).ok, true)
  })
})

test('a delivery whose first attempt died before its answer is taken again, and is stored once', async () => {
  await using folder = await temporaryFolder()
  await writeConfig(
    folder.path,
    `  - { name: signed, type: webhook, verify: { scheme: standard-webhooks, secrets: ["${SECRET}"] } }`,
  )
  const raw = review('died')
  const post = (webhook: string) =>
    fetch(webhook.replace(/[^/]+$/, 'signed'), { method: 'POST', body: raw, headers: signed(raw, 'm-4') })
  {
    const preload = join(import.meta.dirname, '../support/die-before-answering.ts')
    await using dying = start(['ingest', '--json'], {
      cwd: folder.path,
      env: { NODE_OPTIONS: `--import=${preload}` },
    })
    const webhook = await dying.waitFor((line) => /"webhooks":\["([^"]+)"/.exec(line)?.[1])
    await assert.rejects(post(webhook), 'no answer came')
    assert.equal((await dying.exited).signal, 'SIGKILL')
  }
  const [event] = (await outputOf(['tail', 'raw-reviews', '--limit', '1'], folder.path))
    .toString()
    .split('\n')
  assert.equal((JSON.parse(event ?? '') as { subject: string }).subject, 'B00123', 'the queue had it')

  const up = await startUp(folder.path)
  await using _ = up.process
  for (const isRepeated of [undefined, true]) {
    const answer = await post(up.webhook)
    const { duplicate, ...counts } = (await answer.json()) as Record<string, unknown>
    assert.equal(answer.status, 202)
    assert.deepEqual([counts['received'], counts['rejected'], duplicate], [1, 0, isRepeated])
  }
  await eventually(async () => ((await rows(folder.path)).length > 0 ? true : undefined), 'the row')
  assert.equal((await up.process.stop()).code, 0)
  const stored = await rows(folder.path)
  assert.deepEqual(
    stored.map((row) => row.raw),
    [raw],
  )
})
