import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { fillDisk } from '../support/full-disk.ts'
import { eventually, json, rows, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

const execute = promisify(execFile)
const IMPATIENT = '  - { name: impatient, type: webhook, path: /hooks/impatient, deadline: 500ms }'

/** A disk of its own in memory, mounted at a path until it is disposed of. */
async function mountDisk(path: string, size: string): Promise<AsyncDisposable> {
  await mkdir(path)
  await execute('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path])
  return {
    async [Symbol.asyncDispose]() {
      await execute('umount', ['-l', path])
    },
  }
}

async function whyNot(): Promise<string | false> {
  await using folder = await temporaryFolder()
  try {
    await using _ = await mountDisk(join(folder.path, 'disk'), '1m')
    return false
  } catch {
    return 'no small disk can be mounted here: it takes root and the right to mount tmpfs'
  }
}

async function send(webhook: string, ids: readonly string[]): Promise<number> {
  const body = ids.map((id) => review(id, { review_text: `${id} `.repeat(2_000) })).join('\n')
  const headers = { 'content-type': 'application/x-ndjson' }
  return (await fetch(webhook, { method: 'POST', body, headers })).status
}

describe('a full disk', { skip: await whyNot() }, () => {
  test('pauses intake with a clear message, and intake goes on by itself once there is room', async () => {
    await using folder = await temporaryFolder()
    const disk = join(folder.path, 'data')
    await using _ = await mountDisk(disk, '12m')
    await writeConfig(folder.path, IMPATIENT)
    const { process: up, webhook, admin } = await startUp(folder.path)
    await using __ = up
    const impatient = webhook.replace(/[^/]+$/, 'impatient')
    const { promised, line } = await fillDisk(up, (ids) => send(impatient, ids))
    assert.ok(promised.length > 0)
    assert.match(line, /could not write in .*most likely because its disk is full/)
    assert.equal((await fetch(`${admin}/health/live`)).status, 200, 'waiting is no fault')

    await execute('mount', ['-o', 'remount,size=200m', disk])
    await eventually(async () => ((await send(impatient, ['after'])) === 202 ? true : undefined), 'intake')
    await eventually(async () => {
      const stored = new Set((await rows(folder.path)).map(({ verdict }) => verdict.review?.['review_id']))
      return [...promised, 'after'].every((id) => stored.has(id)) ? true : undefined
    }, 'all that was promised')
    assert.equal((await up.stop('SIGINT')).code, 0)
    assert.equal((await json<{ ok: boolean }>(['audit'], folder.path)).ok, true)
  })
})
