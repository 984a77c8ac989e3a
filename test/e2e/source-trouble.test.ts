import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openReceiver, type Receiver } from '../support/alert-receiver.ts'
import { run } from '../support/cli.ts'
import { eventually, startUp } from '../support/pipeline.ts'
import { openProvider } from '../support/provider.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

const KEY = 'key-that-nobody-may-see-9876543210'
process.env['TROUBLE_TEST_KEY'] = KEY

/** A config with one source, of which only that it fails is told, and soon. */
async function writeConfig(
  folder: string,
  source: string,
  { url }: Receiver,
  queue = 'type: embedded',
): Promise<void> {
  const off = ['silent_source', 'reject_share', 'backlog_age', 'disk_space', 'dead_letter_space', 'not_ready']
  const rules = {
    ...Object.fromEntries(off.map((rule) => [rule, false])),
    source_failing: { after: '300ms' },
  }
  const alerts = { notify: [{ type: 'webhook', url }], every: '100ms', pause: 0, rules }
  await writeFile(
    join(folder, 'headwater.yaml'),
    `
sources: [{ name: shop, ${source} }]
queue: { ${queue} }
store: { type: embedded }
http: { listen: "127.0.0.1:0" }
admin: { listen: "127.0.0.1:0" }
alerts: ${JSON.stringify(alerts)}
`,
  )
}

interface Told {
  readonly state: string
  readonly detail?: string
}

/** How the source is, as /health/sources and the metrics tell it. */
async function lookAt(admin: string): Promise<{ readonly told: Told; readonly metrics: string }> {
  const [told] = (await (await fetch(`${admin}/health/sources`)).json()) as Told[]
  const metrics = await (await fetch(`${admin}/metrics`)).text()
  return { told: told ?? assert.fail('there is a source'), metrics }
}

const stateIn = (metrics: string): string[] =>
  [...metrics.matchAll(/^headwater_source_state\{source="shop",state="(\w+)"\} 1$/gm)].map(
    ([, state = '']) => state,
  )

/** Waits until the source is in this state and tells its detail. */
async function becomes(admin: string, wanted: string, detail?: RegExp): Promise<string | undefined> {
  const found = await eventually(async () => {
    const { told, metrics } = await lookAt(admin)
    const isSo = told.state === wanted && stateIn(metrics).join() === wanted
    return isSo && (detail?.test(told.detail ?? '') ?? true) ? { detail: told.detail } : undefined
  }, `a source that is ${wanted} ${detail}`)
  return found.detail
}

describe('trouble of a source that it tries to get over by itself', () => {
  test('is told of a provider that answers 503 for a while, in its words and without the key', async () => {
    await using folder = await temporaryFolder()
    await using receiver = await openReceiver()
    let isWell = false
    await using provider = await openProvider(({ params }) =>
      isWell
        ? { body: `[${review('R1')}]`, headers: { 'content-type': 'application/json' } }
        : { status: 503, body: { message: `closed for ${params.get('api_key')}` } },
    )
    const params = 'params: { api_key: "${TROUBLE_TEST_KEY}" }'
    await writeConfig(
      folder.path,
      `type: http-poll, url: "${provider.url}/reviews", ${params}, every: 1s`,
      receiver,
    )
    const { process, admin } = await startUp(folder.path)
    await using _ = process
    const words = `expected a page from ${provider.url}/reviews, found 503 Service Unavailable ({"message":"closed for ***"}): the provider is unwell`
    const { subject, severity, summary } = await receiver.told('firing', 'source_failing')
    assert.deepEqual([subject, severity, summary], ['shop', 'warning', `The source shop fails: ${words}`])
    assert.equal(await becomes(admin, 'failing'), words)

    isWell = true
    await receiver.told('resolved', 'source_failing')
    assert.equal(await becomes(admin, 'running'), undefined)
    const { metrics } = await lookAt(admin)
    const { code, stdout, stderr } = await process.stop()
    assert.equal(code, 0, stderr)
    for (const text of [...receiver.bodies, metrics, stdout, stderr]) assert.ok(!text.includes(KEY), text)
  })

  test('is told of a watched folder with a file that can not be read, until it is gone', async () => {
    await using folder = await temporaryFolder()
    await using receiver = await openReceiver()
    const incoming = join(folder.path, 'incoming')
    await mkdir(incoming)
    await symlink('a.ndjson', join(incoming, 'a.ndjson'))
    await writeConfig(
      folder.path,
      'type: file, files: [incoming], watch: { every: 50ms, settle: 0 }',
      receiver,
    )
    const { process, admin } = await startUp(folder.path)
    await using _ = process
    const { summary } = await receiver.told('firing', 'source_failing')
    assert.match(summary, /^The source shop fails: incoming\/a\.ndjson: ELOOP/)
    await writeFile(join(incoming, 'b.ndjson'), review('R1'))
    await process.waitFor(/b\.ndjson is read and acknowledged to its end/)
    assert.match((await becomes(admin, 'failing')) ?? '', /^incoming\/a\.ndjson: ELOOP/)
    await rm(join(incoming, 'a.ndjson'))
    await receiver.told('resolved', 'source_failing')
    assert.equal(await becomes(admin, 'running'), undefined)
    assert.equal((await process.stop()).code, 0)
  })
})

describe('a file that is read once, and is missing', () => {
  test('at the start is told, and nothing starts', async () => {
    await using folder = await temporaryFolder()
    await using receiver = await openReceiver()
    await writeConfig(folder.path, 'type: file, files: [a.ndjson]', receiver)
    const { code, stderr } = await run(['up'], { cwd: folder.path })
    assert.deepEqual([code, stderr], [1, 'FILE_UNREADABLE: a.ndjson: expected a file, found nothing there\n'])
  })

  test('when its turn comes ends the source, which is failing from then on', async () => {
    await using folder = await temporaryFolder()
    await using receiver = await openReceiver()
    const long = randomBytes(2_000).toString('hex')
    await writeFile(
      join(folder.path, 'a.ndjson'),
      `${review('R1', { review_text: long })}\n${review('R2')}\n`,
    )
    await writeFile(join(folder.path, 'b.ndjson'), review('R3'))
    await writeConfig(
      folder.path,
      'type: file, files: [a.ndjson, b.ndjson], batch_items: 1',
      receiver,
      'type: embedded, max_bytes: 1KiB',
    )
    // The first file waits for room in the queue while the second one vanishes.
    const ingest = await startUp(folder.path, 'ingest')
    await using _ = ingest.process
    await becomes(ingest.admin, 'failing', /max_bytes/)
    await rm(join(folder.path, 'b.ndjson'))
    const store = await startUp(folder.path, 'store')
    await using __ = store.process
    const missing = /b\.ndjson: expected a file, found nothing there$/
    await becomes(ingest.admin, 'failing', missing)
    const summary = await eventually(async () => {
      const alerts = (await (await fetch(`${ingest.admin}/health/alerts`)).json()) as { summary: string }[]
      return alerts.find((alert) => missing.test(alert.summary))?.summary
    }, 'an alert')
    assert.match(summary, /^The source shop fails: \/\S+\/b\.ndjson: expected a file/)
    await store.process.stop()
    await ingest.process.stop()
  })
})
