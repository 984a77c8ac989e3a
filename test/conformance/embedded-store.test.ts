import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { openStore } from '../../src/stores/embedded/store.ts'
import { numbered, put } from '../support/records.ts'
import { all, keysOf } from '../support/store-reads.ts'
import { storeConformance } from './store.ts'

const folder = await mkdtemp(join(tmpdir(), 'test-embedded-store-'))
after(() => rm(folder, { recursive: true }))

storeConformance('embedded', { open: (name) => openStore(join(folder, name)) })

test('loses nothing when three processes write at the same time', async () => {
  const shared = join(folder, 'test-shared')
  await using store = await openStore(shared)
  const writer = join(import.meta.dirname, '../support/store-writer.ts')
  const write = (first: number) => {
    const options = ['--folder', shared, '--first', String(first), '--count', '2000', '--put-only']
    return promisify(execFile)(process.execPath, [writer, ...options])
  }
  // The two ranges overlap by half, and so does what this process writes.
  await Promise.all([write(0), write(1_000), put(store, numbered(400, 2_800))])
  const expected = keysOf(numbered(3_200))
  assert.deepEqual(keysOf(await all(store, { by: 'time' })).toSorted(), expected.toSorted())
  assert.deepEqual(await Array.fromAsync(store.check?.() ?? []), [])
})
