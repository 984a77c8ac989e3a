import assert from 'node:assert/strict'
import { open, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { run, start } from '../support/cli.ts'
import { json, rows, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

async function send(webhook: string, ids: readonly string[]): Promise<number> {
  const headers = { 'content-type': 'application/x-ndjson' }
  const body = ids.map((id) => review(id, { product_id: `P${id.length}-${id.at(-1)}` })).join('\n')
  return (await fetch(webhook, { method: 'POST', headers, body })).status
}

async function imported(folder: string, count: number): Promise<void> {
  const reviews = Array.from({ length: count }, (_, n) =>
    review(`R${n}`, { review_text: `${n} `.repeat(500) }),
  )
  await writeFile(join(folder, 'reviews.ndjson'), reviews.join('\n'))
  await json(['import', 'reviews.ndjson'], folder)
}

const idsIn = async (folder: string): Promise<ReadonlySet<unknown>> =>
  new Set((await rows(folder)).map(({ verdict }) => verdict.review?.['review_id']))

describe('a backup', () => {
  test('made under load and restored has every review that was acknowledged before it began', async () => {
    await using folder = await temporaryFolder()
    await using other = await temporaryFolder()
    await writeConfig(folder.path)
    await writeConfig(other.path)
    const promised: string[] = []
    {
      const { process: up, webhook } = await startUp(folder.path)
      await using _ = up
      let isLoading = true
      let next = 0
      const load = async (): Promise<void> => {
        while (isLoading) {
          const ids = Array.from({ length: 20 }, () => `R${next++}`)
          if ((await send(webhook, ids)) === 202) promised.push(...ids)
        }
      }
      const senders = [load(), load(), load()]
      while (promised.length < 2_000) await sleep(5)
      const before = [...promised]
      await json(['backup', 'copy'], folder.path)
      isLoading = false
      await Promise.all(senders)
      promised.splice(0, Infinity, ...before)
    }
    await json(['restore', join(folder.path, 'copy')], other.path)
    assert.equal((await json<{ ok: boolean }>(['audit'], other.path)).ok, true)
    // What was still in the queue is stored by the process that takes the restored folder up.
    await writeFile(join(other.path, 'one.ndjson'), review('last'))
    await json(['import', 'one.ndjson'], other.path)
    const restored = await idsIn(other.path)
    assert.deepEqual(
      promised.filter((id) => !restored.has(id)),
      [],
    )
    assert.equal((await json<{ ok: boolean }>(['audit'], other.path)).ok, true)
  })

  test('is refused where it was altered, was cut off, or would be written over something', async () => {
    await using folder = await temporaryFolder()
    await imported(folder.path, 50)
    await json(['backup', 'copy'], folder.path)
    const refused = async (args: readonly string[], code: number, said: RegExp): Promise<void> => {
      const exit = await run(args, { cwd: folder.path })
      assert.equal(exit.code, code, exit.stderr)
      assert.match(exit.stderr, said)
    }
    await refused(['backup', 'copy'], 2, /copy is not empty, and a backup must be/)
    await refused(['restore', 'copy'], 2, /is not empty, and a restored folder must be/)
    await refused(['backup', 'other', '--data', 'nothing'], 2, /there is no data in/)
    {
      await using file = await open(join(folder.path, 'copy', 'store', 'data.mdb'), 'r+')
      await file.write(Buffer.from([0x55]), 0, 1, 9_000)
    }
    await refused(['restore', 'copy', '--data', 'new'], 1, /DATA_CORRUPT: .*another hash/)
    assert.equal((await json<{ records: number }>(['audit', '--data', 'new'], folder.path)).records, 0)
    await rm(join(folder.path, 'copy', 'backup.json'))
    await refused(['restore', 'copy', '--data', 'newer'], 2, /no backup, or one that was cut off/)
  })
})

describe('compacting', () => {
  test('gives back what is no longer needed, and leaves what is', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    await writeFile(
      join(folder.path, 'small.yaml'),
      'queue: { type: embedded, retention: 0 }\nstore: { type: embedded }\nadmin: { listen: "127.0.0.1:0" }\n',
    )
    await imported(folder.path, 2_000)
    await writeFile(join(folder.path, 'one.ndjson'), review('one'))
    await json(['import', 'one.ndjson', '-c', 'small.yaml'], folder.path)
    const queue = join(folder.path, 'data', 'queue', 'data.mdb')
    const { size: before } = await stat(queue)
    await json(['compact'], folder.path)
    const { size: after } = await stat(queue)
    assert.ok(after < before / 4, `${before} bytes, then ${after}`)
    assert.equal((await rows(folder.path)).length, 2_001)
    assert.equal((await json<{ ok: boolean }>(['audit'], folder.path)).ok, true)
    await json(['import', 'reviews.ndjson'], folder.path)
  })

  test('is refused while a process uses the folder', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    const { process: up, webhook } = await startUp(folder.path)
    await using _ = up
    const { code, stderr } = await run(['compact'], { cwd: folder.path })
    assert.equal(code, 1)
    assert.match(stderr, /CONFLICT: .* is used by process \d+: stop what runs/)
    assert.equal(await send(webhook, ['R1']), 202)
  })

  test('that is killed at any time loses nothing', async () => {
    await using folder = await temporaryFolder()
    await imported(folder.path, 1_000)
    for (let kill = 0; kill < 6; kill++) {
      await using running = start(['compact'], { cwd: folder.path })
      // A moment that differs from kill to kill, from the start of the process to its end.
      await Promise.race([running.exited, sleep(150 + Math.random() * 400)])
      await running.kill()
      assert.equal((await json<{ records: number }>(['audit'], folder.path)).records, 1_000)
    }
    await json(['compact'], folder.path)
    assert.equal((await json<{ records: number }>(['audit'], folder.path)).records, 1_000)
    assert.deepEqual((await readdir(join(folder.path, 'data', 'store'))).toSorted(), [
      'data.mdb',
      'lock.mdb',
      'users',
    ])
  })
})
