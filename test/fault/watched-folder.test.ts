import assert from 'node:assert/strict'
import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { start } from '../support/cli.ts'
import { eventually, json, rows, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

const ITEMS = 20
const KILLS = Number(process.env['HEADWATER_WATCH_KILLS'] ?? 4)

test(`a watched folder whose reader is killed ${KILLS} times while files come and grow: nothing missing, nothing twice`, async () => {
  await using folder = await temporaryFolder()
  await mkdir(join(folder.path, 'incoming'))
  await writeConfig(
    folder.path,
    '  - { name: drop, type: file, files: [incoming], batch_items: 7, watch: { every: 10ms, settle: 2s } }',
  )
  const enough = new AbortController()
  const writing = write(join(folder.path, 'incoming'), enough.signal)

  for (let kill = 1; kill <= KILLS; kill++) {
    await using up = start(['up'], { cwd: folder.path })
    await up.waitFor(/received [1-9]/)
    // Anywhere in its work: at a moment that differs from kill to kill.
    await sleep(Math.random() * 700)
    await up.kill()
  }
  enough.abort()
  const expected = await writing
  await using up = start(['up'], { cwd: folder.path })
  const found = await eventually(async () => {
    const all = await rows(folder.path)
    return all.length >= expected.length ? all : undefined
  }, `${expected.length} rows`)
  assert.equal((await up.stop()).code, 0)

  assert.deepEqual(found.map(({ raw }) => raw ?? '').toSorted(), expected.toSorted())
  assert.ok(
    found.every(({ verdict }) => verdict.status === 'accepted'),
    'no half line became a dead letter',
  )
  assert.deepEqual((await rows(folder.path)).length, expected.length)
  const audit = await json<{ ok: boolean }>(['audit'], folder.path)
  assert.ok(audit.ok)
})

/** Moves files in, and writes every third one in pieces that end anywhere, until told. Resolves to what they hold. */
async function write(incoming: string, enough: AbortSignal): Promise<string[]> {
  const all: string[] = []
  for (let file = 0; !enough.aborted; file++) {
    const items = Array.from({ length: ITEMS }, (_, n) => review(`F${file}-${n}`))
    all.push(...items)
    const text = `${items.join('\n')}\n`
    const path = join(incoming, `${String(file).padStart(5, '0')}.ndjson`)
    if (file % 3 === 0) await writeSlowly(path, text)
    else {
      await writeFile(join(incoming, '.being-written'), file % 3 === 1 ? text : gzipSync(text))
      await rename(join(incoming, '.being-written'), path)
    }
  }
  return all
}

async function writeSlowly(path: string, text: string): Promise<void> {
  const size = Math.ceil(text.length / 10)
  for (let at = 0; at < text.length; at += size) {
    await appendFile(path, text.slice(at, at + size))
    await sleep(15)
  }
}
