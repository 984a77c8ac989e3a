import assert from 'node:assert/strict'
import { appendFile, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { TransientError } from '../../../src/errors.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { eventually } from '../../support/pipeline.ts'
import { hold, never, readAll, texts } from './file-harness.ts'
import { createWatched, items, lookAgain, SETTLE_MS } from './file-watch-harness.ts'

/** For folders into which complete files are moved. */
const AT_ONCE = { watch: { everyMs: '2ms', settleMs: 0 } }

describe('a watched folder', () => {
  test('gives the files that are there and those that appear, in the order of their names', async (t) => {
    const place = await createWatched(t)
    await place.write('b.ndjson', '2\n')
    await place.write('a.ndjson', '1\n')
    await place.write('.hidden.ndjson', '0\n')
    await mkdir(join(place.folder, 'below.ndjson'))
    await using files = await place.watch()
    assert.deepEqual(await files.until(2), ['1', '2'])
    await place.write('c.csv', 'a,b\n3,4\n')
    await files.until(3)
    await rename(await place.write('.moving', '5\n'), join(place.folder, 'd.jsonl'))
    assert.deepEqual(await files.until(4), ['1', '2', '3,4', '5'])
  })

  test('may be a glob or a single file', async (t) => {
    const place = await createWatched(t)
    const single = await place.write('single.txt', '1\n2\n')
    await mkdir(join(place.folder, 'deep/er'), { recursive: true })
    const patterns = [single, join(place.folder, 'deep/**/*.ndjson')]
    await using files = await place.watch({ files: patterns, format: 'ndjson' })
    await place.write('deep/other.txt', '0\n')
    await place.write('deep/er/a.ndjson', '3\n')
    assert.deepEqual(await files.until(3), ['1', '2', '3'])
  })

  test('that can not be looked into is told before anything is read', async (t) => {
    const place = await createWatched(t)
    const file = await place.write('a.ndjson', '1\n')
    const missing = join(place.folder, 'missing')
    await assert.rejects(place.watch({ files: [missing, join(missing, '*.csv'), join(file, '*.csv')] }), {
      code: 'FILE_UNREADABLE',
      message: [
        `${missing}: expected a folder or a file, found nothing there`,
        `${missing}: expected a folder, found nothing there`,
        `${file}: expected a folder, found nothing there`,
      ].join('\n'),
    })
  })

  test('goes on after a restart, and reads nothing twice', async (t) => {
    const place = await createWatched(t)
    await place.write('a.ndjson', '1\n2\n')
    await place.write('b.ndjson', '3\n4\n5\n')
    const settings = { ...AT_ONCE, batchItems: 2 }
    const held = await hold(await place.openWatch(settings), 3)
    assert.deepEqual(
      held.map((batch) => texts(batch.items)),
      [['1', '2'], ['3', '4'], ['5']],
    )
    await held[0]?.ack()
    await held[1]?.ack()
    await using files = await place.watch(settings)
    await place.write('c.ndjson', '6\n')
    assert.deepEqual(await files.until(2), ['5', '6'])
  })

  test('is read at the same place whether it was watched before or not', async (t) => {
    const place = await createWatched(t)
    const path = await place.write('a.ndjson', '1\n')
    await readAll(await place.open({ files: [path] }))
    await using files = await place.watch()
    await place.write('b.ndjson', '2\n')
    assert.deepEqual(await files.until(1), ['2'])
  })

  test('gives no more of a file of which a batch is not acknowledged, but others', async (t) => {
    const place = await createWatched(t)
    const path = await place.write('a.ndjson', '1\n')
    await using source = await place.openWatch()
    const reading = source.read({ signal: never })[Symbol.asyncIterator]()
    const { value: first } = await reading.next()
    await appendFile(path, '2\n')
    await place.write('b.ndjson', '3\n')
    const { value: second } = await reading.next()
    await second?.ack()
    await first?.ack()
    const { value: third } = await reading.next()
    await third?.ack()
    assert.deepEqual(
      [first, second, third].map((batch) => texts(batch?.items ?? [])),
      [['1'], ['3'], ['2']],
    )
  })
})

describe('a file that', () => {
  test('is gone is forgotten: of files that come and go nothing piles up', async (t) => {
    const place = await createWatched(t)
    const paths = [await place.write('a.ndjson', '1\n'), await place.write('b.ndjson', '2\n')]
    await using files = await place.watch(AT_ONCE)
    await files.until(2)
    for (const path of paths) await rm(path)
    await place.write('c.ndjson', '3\n')
    await files.until(3)
    await eventually(async () => (await place.checkpoints()).join() === 'c.ndjson' || undefined, 'only c')
    assert.deepEqual(
      place.told.filter((said) => said.includes('may not have been read')),
      [],
    )
  })

  test('was gone already at the start is forgotten, too', async (t) => {
    const place = await createWatched(t)
    const path = await place.write('a.ndjson', '1\n')
    await place.write('b.ndjson', '2\n')
    await readAll(await place.open({ files: [path] }))
    assert.deepEqual(await place.checkpoints(), ['a.ndjson'])
    await rm(path)
    await using _ = await place.watch(AT_ONCE)
    await eventually(async () => (await place.checkpoints()).join() === 'b.ndjson' || undefined, 'only b')
  })

  test('is gone with all others is remembered: its disk may be away', async (t) => {
    const place = await createWatched(t)
    const away = `${place.folder}-away`
    t.after(() => rm(away, { recursive: true, force: true }))
    await place.write('a.ndjson', '1\n')
    await using files = await place.watch(AT_ONCE)
    await files.until(1)
    await eventually(async () => (await place.checkpoints()).length === 1 || undefined, 'a checkpoint')
    await rename(place.folder, away)
    const isTold = (what: string) =>
      eventually(async () => place.told.includes(`${place.folder}${what}`) || undefined, what)
    await isTold(': expected a folder, found nothing there; it is tried again')
    await mkdir(place.folder)
    await isTold(' can be read again')
    assert.deepEqual(place.troubles, [`${place.folder}: expected a folder, found nothing there`, undefined])
    await rename(join(away, 'a.ndjson'), join(place.folder, 'a.ndjson'))
    await place.write('b.ndjson', '2\n')
    assert.deepEqual(await files.until(2), ['1', '2'], 'a.ndjson is not read again')
  })

  test('is gone before it was read is told', async (t) => {
    const place = await createWatched(t)
    const path = await place.write('a.json', '[1]')
    await using files = await place.watch()
    await lookAgain(place, files)
    await rm(path)
    const said = `${path} is gone, and may not have been read to its end`
    await eventually(async () => place.told.includes(said) || undefined, said)
  })

  test('is replaced by another one of the same name is read from its beginning', async (t) => {
    const place = await createWatched(t)
    const path = await place.write('a.ndjson', '{"day":1}\n{"day":1}\n')
    await using files = await place.watch(AT_ONCE)
    await files.until(2)
    await rename(await place.write('.new', '{"day":2}\n{"day":2}\n'), path)
    await utimes(path, 2_000, 2_000)
    assert.deepEqual((await files.until(4)).slice(2), ['{"day":2}', '{"day":2}'])
  })

  test('can not be read is told once and tried again, and the others go on', async (t) => {
    const place = await createWatched(t)
    const path = join(place.folder, 'a.ndjson')
    await symlink('a.ndjson', path)
    await place.write('b.ndjson', '1\n')
    await using files = await place.watch(AT_ONCE)
    await lookAgain(place, files)
    await lookAgain(place, files)
    assert.deepEqual(items(files), ['1'])
    const told = place.told.filter((said) => said.startsWith(path))
    assert.equal(told.length, 1, told.join('\n'))
    assert.match(told[0] ?? '', /ELOOP.*; it is tried again$/)
    assert.equal(`${place.troubles.join()}; it is tried again`, told[0], 'the others do not end the trouble')
    await rm(path)
    await place.write('a.ndjson', '2\n')
    await files.until(4)
    assert.deepEqual(items(files), ['1', '2'])
    await eventually(async () => place.told.includes(`${path} can be read again`) || undefined, 'good news')
    assert.deepEqual(place.troubles.slice(1), [undefined])
  })

  test('can not be read is no trouble any more once it is gone', async (t) => {
    const place = await createWatched(t)
    const loop = join(place.folder, 'a.ndjson')
    await symlink('a.ndjson', loop)
    const deep = join(place.folder, ...Array<string>(7).fill('d'.repeat(250)))
    await mkdir(deep, { recursive: true })
    await writeFile(join(deep, 'b.ndjson'), '1\n')
    await using _ = await place.watch({ ...AT_ONCE, files: [place.folder, join(deep, '*.ndjson')] })
    const becomes = (words: RegExp) =>
      eventually(async () => words.test(String(place.troubles.at(-1))) || undefined, String(words))
    await becomes(/^.*a\.ndjson: ELOOP.* \(and 1 more in trouble\)$/)
    await rm(loop)
    await becomes(/^expected 1 to 1500 bytes, found \d+$/)
    await rm(join(deep, 'b.ndjson'))
    await becomes(/^undefined$/)
  })
})

test('a registry that fails is waited for, and told once', async (t) => {
  const place = await createWatched(t)
  await place.write('a.ndjson', '1\n')
  await place.write('b.ndjson', '2\n')
  let failures = 0
  const registry: Registry = {
    ...place.registry,
    async get(name) {
      if (++failures <= 3) throw new TransientError('BACKEND_FAILING', 'the registry is down')
      return place.registry.get(name)
    },
  }
  await using files = await place.watch({}, { registry })
  assert.deepEqual(await files.until(2), ['1', '2'])
  assert.deepEqual(
    place.told.filter((said) => said.includes('registry is down')),
    ['the registry is down; it is tried again'],
  )
  await eventually(async () => place.troubles.length > 1 || undefined, 'the end of the trouble')
  assert.deepEqual(place.troubles, ['the registry is down', undefined])
})

test('what has not changed for long is looked at rarely, and a change is noticed within a minute', async (t) => {
  const place = await createWatched(t)
  const path = await place.write('a.ndjson', '1\n')
  await using files = await place.watch()
  await files.until(1)
  place.now += 3_600_000
  await lookAgain(place, files)
  await appendFile(path, '2\n')
  await lookAgain(place, files)
  assert.deepEqual(items(files), ['1'])
  place.now += 60_000
  await lookAgain(place, files)
  assert.deepEqual(items(files), ['1', '2'])
  assert.ok(SETTLE_MS < 60_000)
})
