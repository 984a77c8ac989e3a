import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { run, start } from '../support/cli.ts'
import { json, lines, type Row, rows, writeConfig } from '../support/pipeline.ts'
import { FIVE, review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

const OTHER = 'other.yaml'

interface Copied {
  readonly ok: boolean
  readonly records: number
  readonly stored: number
}

interface Timed {
  readonly key: string
  readonly receivedAt: string
  readonly storedAt: string
}

/** A folder with records, one of them mended and one discarded, and a config with a store elsewhere. */
async function openShop(count: number) {
  const folder = await temporaryFolder()
  const { path } = folder
  await writeConfig(path)
  const many = Array.from({ length: count }, (_, n) => review(`M${n}`))
  await writeFile(join(path, 'in.ndjson'), [...FIVE, ...many].join('\n'))
  await json(['import', 'in.ndjson'], path)
  const [first, second] = await lines<Row>(['dlq', 'list'], path)
  const mended = review('R4')
  await writeFile(join(path, 'mended.json'), mended)
  await json(['dlq', 'redrive', first?.key ?? '', '--review', 'mended.json'], path)
  await json(['dlq', 'discard', second?.key ?? '', '--reason', 'a test'], path)
  await writeFile(join(path, OTHER), `queue: { type: embedded }\nstore: { type: embedded, dir: elsewhere }\n`)
  return folder
}

describe('a copy', () => {
  test('has every record with its bytes and its present verdict, and says so', async () => {
    await using folder = await openShop(100)
    const copied = await json<Copied>(['copy', '--to', OTHER], folder.path)
    assert.deepEqual([copied.ok, copied.records, copied.stored], [true, 105, 105])
    const there = await lines<Row>(['reviews', 'list', '--limit', '1000', '-c', OTHER], folder.path)
    const plain = (all: readonly Row[]) =>
      all.map(({ key, raw, verdict }) => ({ key, raw, verdict })).toSorted((a, b) => (a.key < b.key ? -1 : 1))
    assert.deepEqual(plain(there), plain(await rows(folder.path)))
    assert.equal((await json<{ ok: boolean }>(['audit', '-c', OTHER], folder.path)).ok, true)

    const again = await json<Copied>(['copy', '--to', OTHER], folder.path)
    assert.deepEqual([again.ok, again.records, again.stored], [true, 105, 0])
  })

  test('says when its records were stored in the copy', async () => {
    await using folder = await openShop(1)
    const copiedAt = Date.now()
    await json(['copy', '--to', OTHER], folder.path)
    const timesOf = async (...options: string[]) =>
      new Map((await lines<Timed>(['reviews', 'list', ...options], folder.path)).map((row) => [row.key, row]))
    const [first, copies] = [await timesOf(), await timesOf('-c', OTHER)]
    assert.equal(copies.size, 6)
    for (const [key, { receivedAt, storedAt }] of copies) {
      assert.equal(receivedAt, first.get(key)?.receivedAt)
      assert.ok(Date.parse(storedAt) >= copiedAt && copiedAt > Date.parse(first.get(key)?.storedAt ?? ''))
    }
  })

  test('gives records that changed since their present verdict, and keeps what is erased from coming back', async () => {
    await using folder = await openShop(10)
    const { path } = folder
    await json(['copy', '--to', OTHER], path)
    const key = (await rows(path)).find(({ verdict }) => verdict.status === 'rejected')?.key ?? ''
    await writeFile(join(path, 'mended.json'), review('R5'))
    await json(['dlq', 'redrive', key, '--review', 'mended.json'], path)
    await json(['copy', '--to', OTHER], path)
    const there = await lines<Row>(['reviews', 'list', '-c', OTHER], path)
    assert.equal(there.find((row) => row.key === key)?.verdict.status, 'accepted')

    await json(['reviews', 'erase', '--review', 'M1'], path)
    await json(['copy', '--to', OTHER], path)
    const { stdout } = await run(['import', 'in.ndjson', '-c', OTHER, '--json'], {
      cwd: path,
    })
    assert.equal((JSON.parse(stdout) as { stored: number }).stored, 0)
  })

  test('has nothing of a review that was erased since an earlier one: its rows were left', async () => {
    await using folder = await openShop(3)
    const { path } = folder
    await json(['copy', '--to', OTHER], path)
    await json(['reviews', 'erase', '--review', 'M1'], path)
    assert.equal((await json<Copied>(['copy', '--to', OTHER], path)).ok, true)
    const keysIn = async (config: string) =>
      (await lines<Row>(['reviews', 'list', '-c', config], path)).map(({ key }) => key).toSorted()
    const there = await keysIn(OTHER)
    assert.equal(there.length, 7)
    assert.deepEqual(there, await keysIn('headwater.yaml'))
  })

  test('names what both stores have in their registries, each in its own words, and ends with 1', async () => {
    await using folder = await openShop(1)
    const { path } = folder
    const mute = (reason: string, config: string) =>
      json(['dlq', 'mute', '0123456789abcdef', '--reason', reason, '-c', config], path)
    await mute('the provider knows', 'headwater.yaml')
    await json(['copy', '--to', OTHER], path)
    await mute('the provider works on it', 'headwater.yaml')
    await json(['copy', '--to', OTHER], path)

    await mute('it is seen to', OTHER)
    const args = ['copy', '--to', OTHER]
    const plain = await run(args, { cwd: path })
    assert.equal(plain.code, 1)
    assert.match(plain.stdout, /^registry: mutes\/0123456789abcdef has another value$/m)
    assert.match(
      plain.stdout,
      /^copied 6 records, 0 of them new; all are there, byte for byte\. The registry there/m,
    )
    const { code, stdout } = await run([...args, '--json'], { cwd: path })
    assert.equal(code, 1)
    assert.partialDeepStrictEqual(JSON.parse(stdout), {
      ok: false,
      records: 6,
      entries: 0,
      conflicts: ['mutes/0123456789abcdef'],
      problems: [],
    })
  })

  test('that is killed goes on where it was', async () => {
    await using folder = await openShop(3_000)
    for (let kill = 0; kill < 2; kill++) {
      await using copying = start(['copy', '--to', OTHER], { cwd: folder.path })
      await Promise.race([copying.exited, new Promise((resolve) => setTimeout(resolve, 500 + 200 * kill))])
      await copying.kill()
    }
    const copied = await json<Copied>(['copy', '--to', OTHER], folder.path)
    assert.equal(copied.ok, true)
    const there = await lines(['reviews', 'list', '--limit', '10000', '-c', OTHER], folder.path)
    assert.equal(there.length, 3_005)
  })

  test('into the very same store is refused', async () => {
    await using folder = await openShop(1)
    const { code, stderr } = await run(['copy', '--to', 'headwater.yaml'], { cwd: folder.path })
    assert.deepEqual([code, /the very store that is copied from/.test(stderr)], [2, true])
  })
})
