import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { run, start } from '../support/cli.ts'
import { eventually, lines, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

const post = (webhook: string, id: string): Promise<Response> =>
  fetch(webhook, { method: 'POST', body: review(id), headers: { 'content-type': 'application/json' } })

const answers = (webhook: string, status: number): Promise<unknown> =>
  eventually(async () => ((await post(webhook, 'R1')).status === status ? true : undefined), `a ${status}`)

describe('the console', () => {
  test('runs alone beside the services, and pauses their sources for all processes and over a restart', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    await using alone = start(['console', '--json'], { cwd: folder.path })
    const { admin } = await alone.waitFor((line) =>
      line.startsWith('{"event":"started"') ? (JSON.parse(line) as { admin: string }) : undefined,
    )
    const ask = async <T>(path: string, method = 'GET'): Promise<T> => {
      const response = await fetch(admin + path, { method })
      assert.ok(response.ok, `${path}: ${response.status}`)
      return (await response.json()) as T
    }
    {
      const { process, webhook } = await startUp(folder.path)
      await using _ = process
      assert.equal((await post(webhook, 'R1')).status, 202)
      await eventually(async () => {
        const { records } = await ask<{ records: object[] }>('/api/reviews')
        return records.length === 1 || undefined
      }, 'the review in the console')
      const [source] = await ask<{ name: string; state: string }[]>('/api/sources')
      assert.deepEqual([source?.name, source?.state], ['hook', 'elsewhere'])
      await ask('/api/sources/hook/pause', 'POST')
      await answers(webhook, 503)
      assert.equal((await process.stop()).code, 0)
    }
    const { process, webhook } = await startUp(folder.path)
    await using _ = process
    assert.equal((await post(webhook, 'R2')).status, 503, 'it is still paused')
    const resumed = await run(['sources', 'resume', 'hook'], { cwd: folder.path })
    assert.equal(resumed.code, 0, resumed.stderr)
    await answers(webhook, 202)
    const changes = await lines<{ what: string; who: string }>(['changes', 'list'], folder.path)
    assert.deepEqual(
      changes.map(({ what }) => what),
      ['resume source', 'pause source'],
    )
    const unknown = await run(['sources', 'pause', 'nobody'], { cwd: folder.path })
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, /^NOT_FOUND: .*it has: hook/)
    const empty = await run(['sources', 'pause', 'hook', '--reason', ' '], { cwd: folder.path })
    assert.match(empty.stderr, /^USAGE: --reason: expected 1 to 1000 characters, found nothing/)
    assert.equal((await run(['sources', 'poll', 'hook'], { cwd: folder.path })).code, 2)
    assert.equal((await alone.stop()).code, 0)
  })

  test('ends with pages that listen to it, within the time that a supervisor gives', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    const { process, admin } = await startUp(folder.path)
    await using _ = process
    const listening = await fetch(`${admin}/api/live`)
    const reader = listening.body?.getReader()
    assert.ok(reader && !(await reader.read()).done)
    const from = performance.now()
    const exit = await process.stop('SIGTERM')
    assert.equal(exit.code, 0, exit.stderr)
    assert.ok(performance.now() - from < 10_000)
    await assert.doesNotReject(async () => {
      while (!(await reader.read()).done);
    }, 'the stream was ended, and not cut off')
  })
})
