import assert from 'node:assert/strict'
import { copyFile, mkdir, open as openFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Layout, openLmdb } from '../../../src/lib/lmdb.ts'
import { faultIn } from '../../../src/lib/lmdb-file.ts'
import { startProgram } from '../../support/cli.ts'
import { temporaryFolder } from '../../support/temp.ts'

const layout: Layout<string, undefined> = { keyEncoding: 'ordered-binary', prepare: async () => undefined }
const PAGE_BYTES = 4_096

/** A folder with entries of many sizes, in several tables, some of them removed again. */
async function filled(path: string): Promise<string> {
  await using environment = await openLmdb(path, layout)
  const { root, transact } = environment
  const tables = ['one', 'two'].map((name) => root.openDB<Buffer, string>(name, { encoding: 'binary' }))
  for (let round = 0; round < 4; round++) {
    await transact(() => {
      for (const [n, table] of tables.entries()) {
        for (let entry = 0; entry < 400; entry++) {
          const key = `${entry}-${round}`
          if (entry % 3 === 0 && round > 0) void table.remove(`${entry}-${round - 1}`)
          void table.put(key, Buffer.alloc(entry % 50 === n ? 20_000 : entry % 90, round))
        }
      }
    })
  }
  return join(environment.path, 'data.mdb')
}

describe('a data file of LMDB', () => {
  test('is sound, whatever was written to it', async () => {
    await using folder = await temporaryFolder()
    const file = await filled(folder.path)
    assert.equal(faultIn(file, 'all'), undefined)
    const sizes = fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: -1, max: 9_000 })))
    await fc.assert(
      fc.asyncProperty(sizes, async (entries) => {
        await using environment = await openLmdb(folder.path, layout)
        await environment.transact(() => {
          for (const [key, size] of entries) {
            if (size < 0) void environment.root.remove(`key ${key}`)
            else void environment.root.put(`key ${key}`, Buffer.alloc(size))
          }
        })
        assert.equal(faultIn(file, 'all'), undefined)
      }),
      { numRuns: 30 },
    )
  })

  test('that is not there yet is no fault', async () => {
    await using folder = await temporaryFolder()
    assert.equal(faultIn(join(folder.path, 'data.mdb'), 'all'), undefined)
  })

  test('that another process makes longer meanwhile was called cut off: it is sound', async () => {
    await using folder = await temporaryFolder()
    const write =
      "const { open } = await import('lmdb'); const root = open({ path: process.argv[1], encoding: 'binary', noSync: true, " +
      "noSubdir: false }); console.log('writing'); for (let n = 0; ; n++) await root.put(n, Buffer.alloc(9_000))"
    await using writer = startProgram(process.execPath, ['-e', `(async () => { ${write} })()`, folder.path])
    await writer.waitFor(/^writing$/)
    const file = join(folder.path, 'data.mdb')
    const faults = Array.from({ length: 5_000 }, () => faultIn(file, 'head'))
    assert.deepEqual(new Set(faults), new Set([undefined]))
  })

  test('that was cut off is refused wherever it was cut, and one that only lacks free pages is not', async () => {
    await using folder = await temporaryFolder()
    const file = await filled(join(folder.path, 'whole'))
    const whole = await readFile(file)
    const cut = join(folder.path, 'cut.mdb')
    let refused = 0
    for (let bytes = 0; bytes < whole.length; bytes += PAGE_BYTES) {
      await writeFile(cut, whole.subarray(0, bytes))
      const fault = faultIn(cut, 'head')
      if (fault === undefined) assert.ok(bytes > whole.length / 2, `cut at ${bytes} of ${whole.length}`)
      else refused++
    }
    assert.ok(refused > whole.length / PAGE_BYTES / 2)
  })

  for (const [what, from, bytes, said] of [
    ['a beginning of noise', 0, 2 * PAGE_BYTES, /does not begin as LMDB begins a file/],
    ['noise in the middle', 2 * PAGE_BYTES, 200 * PAGE_BYTES, /page \d+ is not what it should be/],
  ] as const) {
    test(`with ${what} is refused`, async () => {
      await using folder = await temporaryFolder()
      const file = await filled(folder.path)
      await using handle = await openFile(file, 'r+')
      const noise = Buffer.alloc(Math.min(bytes, (await handle.stat()).size - from), 0xa7)
      await handle.write(noise, 0, noise.length, from)
      assert.match(faultIn(file, 'all') ?? '', said)
    })
  }
})

describe('a folder of LMDB', () => {
  test('is refused, with what to do, where the process that had it died and left damage', async () => {
    await using folder = await temporaryFolder()
    const file = await filled(folder.path)
    const sound = join(folder.path, 'sound')
    await copyFile(file, sound)
    await using handle = await openFile(file, 'r+')
    await handle.write(Buffer.alloc(200 * PAGE_BYTES, 0xa7), 0, 200 * PAGE_BYTES, 2 * PAGE_BYTES)
    await mkdir(join(folder.path, 'users'), { recursive: true })
    await writeFile(join(folder.path, 'users', String(await deadProcess())), '')
    for (const _ of [1, 2]) {
      await assert.rejects(openLmdb(folder.path, layout), {
        code: 'DATA_CORRUPT',
        message: /page \d+ is not what it should be\. Keep a copy of the folder.*restore a backup/,
      })
    }
    await copyFile(sound, file)
    const opened = await openLmdb(folder.path, layout)
    assert.match((await readdir(join(folder.path, 'users'))).join(), new RegExp(`^${process.pid}\\b[^,]*$`))
    await opened[Symbol.asyncDispose]()
    assert.deepEqual(await readdir(join(folder.path, 'users')), [])
  })

  test('that was cut off is refused also where nobody died', async () => {
    await using folder = await temporaryFolder()
    const file = await filled(folder.path)
    await truncate(file, 5 * PAGE_BYTES)
    await assert.rejects(openLmdb(folder.path, layout), { code: 'DATA_CORRUPT', message: /it was cut off/ })
    await truncate(file, 0)
    await assert.rejects(openLmdb(folder.path, layout), { code: 'DATA_CORRUPT', message: /it is empty/ })
  })
})

async function deadProcess(): Promise<number> {
  await using running = startProgram(process.execPath, ['--version'])
  await running.exited
  return running.pid
}
