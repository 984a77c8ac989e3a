import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, mkdtemp, open, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openFolder } from '../../src/queues/embedded/folder.ts'
import { openReceiver, type Receiver } from '../support/alert-receiver.ts'
import { eventually, json, lines, metricsOf, type Row, startUp } from '../support/pipeline.ts'
import { run } from '../support/cli.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

/** Rules that never fire unless the test says so. */
const QUIET = [
  'silent_source',
  'reject_share',
  'backlog_age',
  'disk_space',
  'dead_letter_space',
  'source_failing',
  'not_ready',
]

/** A config with one webhook, in which these rules alone are on. */
async function writeConfig(
  folder: string,
  { url }: Receiver,
  rules: Readonly<Record<string, object>>,
  queue = 'type: embedded',
): Promise<void> {
  const all = { ...Object.fromEntries(QUIET.map((rule) => [rule, false])), ...rules }
  const alerts = { notify: [{ type: 'webhook', url }], every: '100ms', pause: 0, rules: all }
  await writeFile(
    join(folder, 'headwater.yaml'),
    `
sources: [{ name: hook, type: webhook, path: /hooks/hook, deadline: 2s }]
queue: { ${queue} }
store: { type: embedded }
http: { listen: "127.0.0.1:0" }
admin: { listen: "127.0.0.1:0" }
alerts: ${JSON.stringify(alerts)}
`,
  )
}

async function post(webhook: string, ...reviews: readonly string[]): Promise<number> {
  const headers = { 'content-type': 'application/x-ndjson' }
  const { status } = await fetch(webhook, { method: 'POST', body: reviews.join('\n'), headers })
  return status
}

/** How an alert was told, message by message. */
function course({ documents }: Receiver, rule: string): readonly string[] {
  return documents.flatMap(({ alerts }) =>
    alerts.filter((alert) => alert.rule === rule).map(({ status }) => status),
  )
}

describe('an alert arrives, and that it has ended', () => {
  test('of a source that is silent', async () => {
    await using folder = await temporaryFolder()
    await using receiver = await openReceiver()
    await writeConfig(folder.path, receiver, { silent_source: { after: '1s' } })
    const { process, webhook, admin } = await startUp(folder.path)
    await using _ = process
    const { subject, severity, summary, advice, since } = await receiver.told('firing', 'silent_source')
    assert.deepEqual([subject, severity], ['hook', 'warning'])
    assert.match(summary, /^The source hook has handed over nothing for [\d.]+ s\.$/)
    assert.match(advice, /provider/)
    assert.ok(Math.abs(Date.now() - Date.parse(since)) < 60_000)
    const firing = (await (await fetch(`${admin}/health/alerts`)).json()) as unknown[]
    assert.partialDeepStrictEqual(firing, [{ rule: 'silent_source', subject: 'hook' }])

    assert.equal(await post(webhook, review('R1')), 202)
    await receiver.told('resolved', 'silent_source')
    const { stderr } = await process.stop()
    assert.deepEqual(course(receiver, 'silent_source').slice(0, 2), ['firing', 'resolved'])
    assert.match(stderr, /has handed over nothing for .*docs\/alerts\.md#silent_source/)
    assert.doesNotMatch(stderr, /hunter2|7f3a/, 'the address of the receiver is a secret')
  })

  test('of a source that is silent, which one that is paused is not', async () => {
    await using folder = await temporaryFolder()
    await using receiver = await openReceiver()
    await writeConfig(folder.path, receiver, { silent_source: { after: '1s' } })
    const { process, admin } = await startUp(folder.path)
    await using _ = process
    await receiver.told('firing', 'silent_source')
    assert.equal((await run(['sources', 'pause', 'hook'], { cwd: folder.path })).code, 0)
    await receiver.told('resolved', 'silent_source')
    const [paused] = (await (await fetch(`${admin}/health/sources`)).json()) as { state: string }[]
    assert.equal(paused?.state, 'paused')
    assert.match(await metricsOf(admin), /^headwater_source_state\{source="hook",state="paused"\} 1$/m)
    assert.equal((await run(['sources', 'resume', 'hook'], { cwd: folder.path })).code, 0)
    await eventually(
      async () => (course(receiver, 'silent_source').length > 2 ? true : undefined),
      'it to be silent again',
    )
    await process.stop()
  })

  test('of a burst of dead letters', async () => {
    await using folder = await temporaryFolder()
    await using receiver = await openReceiver()
    await writeConfig(folder.path, receiver, { reject_share: { over: '2s', after: 0 } })
    const { process, webhook } = await startUp(folder.path)
    await using _ = process
    const good = Array.from({ length: 30 }, (__, n) => review(`G${n}`))
    const bad = Array.from({ length: 10 }, (__, n) => review(`B${n}`, { rating: 6 }))
    assert.equal(await post(webhook, ...good, ...bad), 202)
    const { subject, summary } = await receiver.told('firing', 'reject_share')
    assert.equal(subject, 'hook')
    assert.match(summary, /^25 % of what the source hook handed over .* became dead letters\.$/)
    await receiver.told('resolved', 'reject_share')
    await process.stop()
    assert.deepEqual(course(receiver, 'reject_share'), ['firing', 'resolved'])
  })

  test('of a backlog that ages since nobody stores, and of a source that fails since the queue is full', async () => {
    await using folder = await temporaryFolder()
    await using receiver = await openReceiver()
    const rules = { backlog_age: { above: '500ms', after: 0 }, source_failing: { after: '300ms' } }
    await writeConfig(folder.path, receiver, rules, 'type: embedded, max_bytes: 1KiB')
    const ingest = await startUp(folder.path, 'ingest')
    await using _ = ingest.process
    const long = randomBytes(2_000).toString('hex')
    assert.equal(await post(ingest.webhook, review('R1', { review_text: long })), 202)
    assert.equal(await post(ingest.webhook, review('R2')), 503)
    const ageing = await receiver.told('firing', 'backlog_age')
    assert.deepEqual([ageing.subject, ageing.severity], ['raw-reviews', 'critical'])
    assert.match(
      ageing.summary,
      /^Messages of raw-reviews wait to be stored, the oldest for .* \(1 in all\)\.$/,
    )
    const failing = await receiver.told('firing', 'source_failing')
    assert.match(failing.summary, /^The source hook fails: The topic raw-reviews .* max_bytes/)

    const store = await startUp(folder.path, 'store')
    await using __ = store.process
    await receiver.told('resolved', 'backlog_age')
    await receiver.told('resolved', 'source_failing')
    await ingest.process.stop()
    await store.process.stop()
    assert.deepEqual(course(receiver, 'source_failing'), ['firing', 'resolved'])
  })

  test('of a process that can not work since its queue does not answer', async () => {
    await using folder = await temporaryFolder()
    await using receiver = await openReceiver()
    await writeConfig(folder.path, receiver, { not_ready: { after: '300ms' } })
    const { process, admin } = await startUp(folder.path, 'ingest')
    await using _ = process
    await using queue = await openFolder(join(folder.path, 'data/queue'))
    const key = ['topic', 'raw-reviews']
    const healthy = queue.root.getBinary(key) ?? assert.fail('the topic has a record')
    const write = (record: Buffer) => queue.transact(() => void queue.root.put(key, record))
    await write(Buffer.from('damaged'))
    const { subject, severity, summary } = await receiver.told('firing', 'not_ready')
    assert.deepEqual([subject, severity], ['process', 'critical'])
    assert.match(summary, /^The process can not work: queue: .*damaged/)
    assert.equal((await fetch(`${admin}/health/ready`)).status, 503)
    await write(healthy)
    await receiver.told('resolved', 'not_ready')
  })

  test('of dead letters that come near their limit', async () => {
    await using folder = await temporaryFolder()
    await using receiver = await openReceiver()
    await writeConfig(folder.path, receiver, { dead_letter_space: { after: 0 } })
    await appendFile(join(folder.path, 'headwater.yaml'), 'dead_letters: { max_bytes: 1000 }\n')
    const { process, webhook } = await startUp(folder.path)
    await using _ = process
    await post(webhook, ...Array.from({ length: 10 }, (__, n) => review(`R${n}`, { rating: 'six' })))
    const { subject, severity, summary } = await receiver.told('firing', 'dead_letter_space')
    assert.deepEqual([subject, severity], ['dead letters', 'critical'])
    assert.match(summary, /^Dead letters take [\d.]+ KiB of the 1000 B that they may\.$/)
    for (const { key } of await lines<Row>(['dlq', 'list'], folder.path))
      await json(['dlq', 'discard', key, '--reason', 'a test'], folder.path)
    await json(['dlq', 'purge'], folder.path)
    await receiver.told('resolved', 'dead_letter_space')
  })

  const shm = existsSync('/dev/shm') ? false : 'there is no /dev/shm, a disk that nobody else fills'
  test('of a disk that fills', { skip: shm }, async () => {
    await using receiver = await openReceiver()
    const path = await mkdtemp('/dev/shm/headwater-test-')
    await using _ = { [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
    const { bavail, blocks, bsize } = await statfs(path)
    const ballast = Math.min(2 ** 28, (blocks * bsize) / 8)
    await fill(join(path, 'ballast'), ballast)
    const below = (bavail - ballast / bsize / 2) / blocks
    await writeConfig(path, receiver, { disk_space: { below, after: 0 } })
    const { process } = await startUp(path)
    await using __ = process
    const { subject, severity, summary } = await receiver.told('firing', 'disk_space')
    assert.deepEqual([subject, severity], ['data folder', 'critical'])
    assert.match(summary, /has [\d.]+ GiB left of [\d.]+ GiB; the data folder takes [\d.]+ [KM]iB\.$/)
    await rm(join(path, 'ballast'))
    await receiver.told('resolved', 'disk_space')
  })
})

test('a process that stops with an alert open says so; the next one tells it anew', async () => {
  await using folder = await temporaryFolder()
  await using receiver = await openReceiver()
  await writeConfig(folder.path, receiver, { disk_space: { below: 1, after: 0 } })
  for (const messages of [2, 4]) {
    const { process } = await startUp(folder.path)
    await using _ = process
    await receiver.came(messages - 1)
    const { code, stderr } = await process.stop()
    assert.equal(code, 0, stderr)
    assert.equal(receiver.bodies.length, messages)
  }
  assert.deepEqual(course(receiver, 'disk_space'), ['firing', 'unwatched', 'firing', 'unwatched'])
})

test('a receiver that is down when an alert fires hears of it when it is back, in one message', async () => {
  await using folder = await temporaryFolder()
  const answers = [500]
  await using receiver = await openReceiver(
    (response) => void response.writeHead(answers.shift() ?? 200).end(),
  )
  await writeConfig(folder.path, receiver, {
    disk_space: { below: 1, after: 0 },
    silent_source: { after: '500ms' },
  })
  const { process } = await startUp(folder.path)
  await using _ = process
  await receiver.came(2)
  const { stderr } = await process.stop()
  assert.equal(stderr.match(/can not be delivered/g)?.length, 1, stderr)
  assert.match(stderr, /it answered 500.*delivered again/s)
  const [, taken] = receiver.documents
  assert.deepEqual(
    taken?.alerts.map(({ status, rule }) => `${status} ${rule}`),
    ['firing disk_space', 'firing silent_source'],
  )
})

async function fill(path: string, bytes: number): Promise<void> {
  await using file = await open(path, 'w')
  const chunk = Buffer.alloc(2 ** 20, 1)
  for (let written = 0; written < bytes; written += chunk.length) await file.write(chunk)
}
