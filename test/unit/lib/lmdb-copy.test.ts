import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { compactLmdb, copyLmdb } from '../../../src/lib/lmdb-copy.ts'
import { openStore } from '../../../src/stores/embedded/store.ts'
import { startProgram } from '../../support/cli.ts'
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

test('compacting a folder without room for its copy left half a copy on the full disk', async () => {
  await using folder = await temporaryFolder()
  await fill(folder.path, 0, 1)
  const module = join(import.meta.dirname, '../../../src/lib/lmdb-copy.ts')
  const program = `
    import { compactLmdb } from ${JSON.stringify(module)}
    await compactLmdb(${JSON.stringify(folder.path)}).catch(({ message }) => console.log(message))`
  const limited = ['-c', 'ulimit -f 100; exec "$@"', 'bash', process.execPath, '--input-type=module', '-e']
  await using running = startProgram('bash', [...limited, program])
  await running.waitFor(/^File too large$/)
  await running.exited
  assert.deepEqual((await readdir(folder.path)).toSorted(), ['data.mdb', 'lock.mdb', 'users'])
  assert.deepEqual(await readdir(join(folder.path, 'users')), [])
  await compactLmdb(folder.path)
  await fill(folder.path, 1_000_000, 1)
})
