import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { compactLmdb, copyLmdb } from '../../../src/lib/lmdb-copy.ts'
import { openStore } from '../../../src/stores/embedded/store.ts'
import { numbered, put } from '../../support/records.ts'
import { temporaryFolder } from '../../support/temp.ts'

/** So many that one write frees hundreds of pages. */
const ROWS = 4_000

async function fill(folder: string, from: number, times: number): Promise<void> {
  await using store = await openStore(folder)
  for (let n = 0; n < times; n++) await put(store, numbered(ROWS, from + n * ROWS))
  assert.deepEqual(await Array.fromAsync(store.check?.() ?? []), [])
}

test('a copy, and a compacted folder, ended the process at their first large write', async () => {
  await using folder = await temporaryFolder()
  const [original, copy] = [join(folder.path, 'original'), join(folder.path, 'copy')]
  await fill(original, 0, 12)
  await copyLmdb(original, copy)
  assert.deepEqual(await readdir(copy), ['data.mdb'])
  await fill(copy, 1_000_000, 4)
  await compactLmdb(original)
  await fill(original, 1_000_000, 4)
})
