import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { run } from '../support/cli.ts'
import { eventually, lines, metricsOf, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

interface Told {
  readonly source: string
  readonly items: number
  readonly drifted: readonly { readonly kind: string; readonly field: string; readonly message: string }[]
  readonly fields: readonly {
    readonly field: string
    readonly firstSeen: string
    readonly usual: { readonly types: Readonly<Record<string, number>>; readonly missing: number }
  }[]
}

interface SourceHealth {
  readonly name: string
  readonly state: string
  readonly drifted?: Told['drifted']
}

let sent = 0

async function send(webhook: string, count: number, more: object = {}): Promise<void> {
  const body = Array.from({ length: count }, () => review(`R${sent++}`, more)).join('\n')
  const headers = { 'content-type': 'application/x-ndjson' }
  const { status } = await fetch(webhook, { method: 'POST', headers, body })
  assert.equal(status, 202)
}

async function drift(folder: string, ...more: string[]): Promise<Told> {
  const [told] = await lines<Told>(['sources', 'drift', 'hook', ...more], folder)
  return told ?? assert.fail('nothing told')
}

async function sourceHealth(admin: string): Promise<SourceHealth> {
  const [source] = (await (await fetch(`${admin}/health/sources`)).json()) as SourceHealth[]
  return source ?? assert.fail('no source')
}

/** Sends what is usual until enough of it is known. */
async function learned(webhook: string, folder: string): Promise<void> {
  await send(webhook, 500)
  await eventually(async () => {
    await send(webhook, 100)
    return (await drift(folder)).items >= 500 || undefined
  }, 'enough to be known')
}

describe('the drift of a source', () => {
  test('is told within seconds, survives a restart, and ends when it is accepted', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    const first = await startUp(folder.path)
    await using _ = first.process
    await learned(first.webhook, folder.path)
    assert.equal((await sourceHealth(first.admin)).drifted, undefined, 'nothing has drifted yet')
    assert.match(
      await metricsOf(first.admin),
      /^headwater_source_drifted_fields\{source="hook",kind="type"\} 0$/m,
    )

    const changedAt = Date.now()
    const found = await eventually(async () => {
      await send(first.webhook, 100, { rating: '4.0 out of 5 stars' })
      return (await sourceHealth(first.admin)).drifted
    }, 'the drift in the health')
    assert.ok(Date.now() - changedAt < 30_000, 'within seconds')
    assert.deepEqual(
      found.map(({ kind, field }) => `${kind} ${field}`),
      ['type /rating'],
    )
    assert.match(
      found[0]?.message ?? '',
      /^`\/rating` is text in \d+ % of the items since .* UTC; it was always a number$/,
    )
    assert.equal((await sourceHealth(first.admin)).state, 'running')
    assert.match(
      await metricsOf(first.admin),
      /^headwater_source_drifted_fields\{source="hook",kind="type"\} 1$/m,
    )
    const told = await eventually(async () => {
      const now = await drift(folder.path)
      return now.drifted.length > 0 ? now : undefined
    }, 'the drift on the command line')
    const rating = told.fields.find(({ field }) => field === '/rating')
    assert.deepEqual(rating?.usual, { types: { number: 1 }, missing: 0 })
    const shown = await run(['sources', 'drift'], { cwd: folder.path })
    assert.match(shown.stdout, /^hook, .* UTC: \d+ items? looked at|^hook, .* UTC: \S+ items looked at/m)
    assert.match(shown.stdout, /^\/rating +number +0 % .* type$/m)
    await first.process.stop()

    const second = await startUp(folder.path)
    await using __ = second.process
    await eventually(async () => (await sourceHealth(second.admin)).drifted, 'the drift after a restart')
    assert.deepEqual((await drift(folder.path, '--accept')).drifted, [])
    await eventually(
      async () => (await sourceHealth(second.admin)).drifted === undefined || undefined,
      'the end of what was accepted',
    )
    await send(second.webhook, 100, { rating: '4.0 out of 5 stars' })
    await second.process.stop()
    assert.deepEqual((await drift(folder.path)).drifted, [])
  })

  test('is told by name only of sources that there are', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    const unknown = await run(['sources', 'drift', 'hok'], { cwd: folder.path })
    assert.equal(unknown.code, 2)
    assert.match(unknown.stderr, /USAGE: expected a source of the config \(hook\), found "hok"/)
    const all = await run(['sources', 'drift', '--accept'], { cwd: folder.path })
    assert.equal(all.code, 2)
    const nothing = await run(['sources', 'drift'], { cwd: folder.path })
    assert.deepEqual([nothing.code, nothing.stdout], [0, 'hook: nothing is known yet\n'])
  })
})
