import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Running, startProgram } from '../support/cli.ts'
import { fillDisk } from '../support/full-disk.ts'
import { eventually, rows, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

const cli = join(import.meta.dirname, '../../src/cli.ts')
/** Eight seconds of them are the process's own limit; the rest is for a busy machine. */
const LIMIT_MS = 25_000
/** Behind that limit it only ends: a container's runtime waits ten seconds in all. */
const ENDING_MS = 6_000

/** A webhook that soon says "not now". */
const IMPATIENT = '  - { name: impatient, type: webhook, path: /hooks/impatient, deadline: 500ms }'

/** Everything in the folder, in a process that may write no file beyond 4 MiB: to it, the disk is full then. */
async function startOnSmallDisk(folder: string): Promise<{ process: Running; webhook: string }> {
  const command = `ulimit -f 8192; exec '${process.execPath}' '${cli}' up --json`
  const running = startProgram('/bin/sh', ['-c', command], { cwd: folder })
  const [, webhook = ''] = await running.waitFor(/"webhooks":\[.*"([^"]+)"\]/)
  return { process: running, webhook }
}

async function post(webhook: string, ids: readonly string[]): Promise<number> {
  const body = ids.map((id) => review(id, { review_text: `${id} `.repeat(2_000) })).join('\n')
  const headers = { 'content-type': 'application/x-ndjson' }
  const response = await fetch(webhook, { method: 'POST', body, headers })
  return response.status
}

describe('stopping', () => {
  test('on a full disk gives up after eight seconds, and what was promised is stored when there is room again', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path, IMPATIENT)
    const up = await startOnSmallDisk(folder.path)
    await using _ = up.process
    const { promised } = await fillDisk(up.process, (ids) => post(up.webhook, ids))
    assert.ok(promised.length > 0)
    const askedAt = performance.now()
    const givenUp = up.process.waitFor(/not finished after 8 s/).then(() => performance.now())
    const [exit, givenUpAt] = await Promise.all([up.process.stop(), givenUp])
    const endedAt = performance.now()
    assert.ok(endedAt - givenUpAt < ENDING_MS, `ended ${endedAt - givenUpAt} ms later\n${exit.stderr}`)
    assert.ok(endedAt - askedAt < LIMIT_MS, `took ${endedAt - askedAt} ms\n${exit.stderr}`)
    assert.equal(exit.signal, null)
    assert.doesNotMatch(exit.stderr, /unhandled/i)

    const again = await startUp(folder.path)
    await using __ = again.process
    await eventually(async () => {
      const stored = new Set((await rows(folder.path)).map(({ verdict }) => verdict.review?.['review_id']))
      return promised.every((id) => stored.has(id)) ? true : undefined
    }, 'all that was promised')
  })

  test('a second signal ends at once what the first would have finished', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path, IMPATIENT)
    const up = await startOnSmallDisk(folder.path)
    await using _ = up.process
    await fillDisk(up.process, (ids) => post(up.webhook, ids))
    // Of another kind, since two that are alike may arrive as one.
    process.kill(up.process.pid, 'SIGINT')
    const askedAt = performance.now()
    const exit = await up.process.stop()
    assert.ok(performance.now() - askedAt < 4_000, exit.stderr)
    assert.equal(exit.signal, null)
  })
})
