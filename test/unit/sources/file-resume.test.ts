import assert from 'node:assert/strict'
import { appendFile, utimes } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { TransientError } from '../../../src/errors.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { createPlace, hold, lines, type Place, readAll, texts } from './file-harness.ts'

const ten = lines(10)
const header = 'id,text'
const rows = ten.map((_, n) => `${n},"a\nb"`)
const tabbed = ten.map((_, n) => `${n}\tab`)

describe('a restart in the middle', () => {
  const layouts: readonly (readonly [name: string, content: string | Buffer, items: string[]])[] = [
    ['a.ndjson', `\uFEFF${ten.join('\r\n')}`, ten],
    ['a.json', `[ ${ten.join(' ,\n')} ]`, ten],
    ['several.json', ten.join(' '), ten],
    ['a.ndjson.gz', gzipSync(ten.join('\n')), ten],
    ['a.ndjson.zst', Buffer.concat(ten.map((line) => zstdCompressSync(`${line}\n`))), ten],
    ['a.tsv.zst', zstdCompressSync(`id\ttext\n${tabbed.join('\n')}\n`), tabbed],
    ['array.json.gz', gzipSync(`[${ten.join(',')}]`), ten],
    ['a.csv', `\uFEFF${header}\n${rows.join('\n')}\n`, rows],
    ['a.csv.gz', gzipSync(`${header}\n${rows.join('\n')}\n`), rows],
  ]
  for (const [name, content, items] of layouts) {
    test(`goes on behind what was acknowledged: ${name}`, async (t) => {
      const place = await createPlace(t)
      const settings = { files: [await place.write(name, content)], batchItems: 3 }
      const [first, second] = await hold(await place.open(settings), 3)
      await first?.ack()
      await second?.ack()
      const rest = await readAll(await place.open(settings, { run: 'run-2' }))
      assert.deepEqual(texts(rest), items.slice(6))
      assert.deepEqual(
        rest.map(({ context }) => context.position),
        [7, 8, 9, 10],
      )
      if (/[ct]sv/.test(name)) assert.deepEqual(rest[0]?.context.columns, ['id', 'text'])
      assert.deepEqual(await readAll(await place.open(settings)), [])
    })
  }
})

test('a document that gave two batches comes again as a whole until both are acknowledged', async (t) => {
  const place = await createPlace(t)
  const settings = { files: [await place.write('a.ndjson', '1\n2\n3\n')], batchItems: 4 }
  const split = (raw: Buffer) => [{ raw }, { raw }, { raw }]
  const [first] = await hold(await place.open(settings, { split }), 1)
  assert.deepEqual(texts(first?.items ?? []), ['1', '1', '1', '2'])
  await first?.ack()
  assert.deepEqual(texts(await readAll(await place.open(settings, { split }))), [
    '2',
    '2',
    '2',
    '3',
    '3',
    '3',
  ])
})

test('acknowledgements out of order move the checkpoint over what is whole, and never back', async (t) => {
  const place = await createPlace(t)
  const path = await place.write('a.ndjson', `${ten.join('\n')}\n`)
  const [first, second, third, last] = await hold(await place.open({ files: [path], batchItems: 3 }), 4)
  await third?.ack()
  assert.equal(await checkpointOf(place, path), undefined)
  await first?.ack()
  assert.equal((await checkpointOf(place, path))?.['items'], 3)
  await Promise.all([last?.ack(), second?.ack()])
  await first?.ack()
  assert.equal((await checkpointOf(place, path))?.['items'], 10)
  assert.equal((await checkpointOf(place, path))?.['done'], true)
})

test('the checkpoint names the run that moved it on', async (t) => {
  const place = await createPlace(t)
  const path = await place.write('a.ndjson', ten.join('\n'))
  const settings = { files: [path], batchItems: 3 }
  const batches = await hold(await place.open(settings, { run: 'run-1' }), 2)
  for (const batch of batches) await batch.ack()
  await hold(await place.open(settings, { run: 'run-2' }), 1)
  await readAll(await place.open(settings, { run: 'run-3' }))
  await readAll(await place.open(settings, { run: 'run-4' }))
  assert.deepEqual((await checkpointOf(place, path))?.['run'], 'run-3')
})

test('a file without items is done once it was read', async (t) => {
  const place = await createPlace(t)
  const path = await place.write('a.csv', 'only,a,header\n')
  assert.deepEqual(await readAll(await place.open({ files: [path] })), [])
  assert.equal((await checkpointOf(place, path))?.['done'], true)
})

describe('a file that was read and', () => {
  async function again(place: Place, path: string): Promise<string[]> {
    return texts(await readAll(await place.open({ files: [path] })))
  }

  test('grew by lines goes on at its old end', async (t) => {
    const place = await createPlace(t)
    for (const [name, start, more] of [
      ['a.ndjson', `${ten.join('\n')}\n`, '{"more":1}\n'],
      ['a.csv', `a,b\n1,2\n`, '3,4\n'],
    ] as const) {
      const path = await place.write(name, start)
      await again(place, path)
      await appendFile(path, more)
      assert.deepEqual(await again(place, path), [more.trim()])
      assert.deepEqual(await again(place, path), [])
    }
  })

  test('grew as a JSON document or a compressed file starts over, since these are written anew', async (t) => {
    const place = await createPlace(t)
    const json = await place.write('a.json', '[1]')
    await again(place, json)
    await place.write('a.json', '[1]  [2]')
    assert.deepEqual(await again(place, json), ['1', '2'])
    const gzip = await place.write('a.ndjson.gz', gzipSync('1\n'))
    await again(place, gzip)
    await appendFile(gzip, gzipSync('2\n'))
    assert.deepEqual(await again(place, gzip), ['1', '2'])
  })

  test('has another beginning, size or time starts over', async (t) => {
    const place = await createPlace(t)
    const path = await place.write('a.ndjson', '1\n2\n')
    await again(place, path)
    await place.write('a.ndjson', '3\n2\n4\n')
    assert.deepEqual(await again(place, path), ['3', '2', '4'])
    await place.write('a.ndjson', '3\n')
    assert.deepEqual(await again(place, path), ['3'])
    await utimes(path, 1, 1)
    assert.deepEqual(await again(place, path), ['3'])
    assert.deepEqual(await again(place, path), [])
  })

  test('is asked for in another format starts over', async (t) => {
    const place = await createPlace(t)
    const path = await place.write('a.txt', 'a,b\n1,2\n')
    assert.deepEqual(await again(place, path), ['a,b\n1,2'])
    for (const rows of [['1,2'], []]) {
      assert.deepEqual(texts(await readAll(await place.open({ files: [path], format: 'csv' }))), rows)
    }
  })

  test('whose checkpoint makes no sense starts over', async (t) => {
    const place = await createPlace(t)
    const path = await place.write('a.ndjson', '1\n')
    await place.registry.compareAndSet(`checkpoint/shop/${path}`, 0, Buffer.from('{'))
    assert.deepEqual(await again(place, path), ['1'])
    assert.deepEqual(await again(place, path), [])
  })
})

test('an acknowledgement can be repeated when the registry failed, whether it had written or not', async (t) => {
  const place = await createPlace(t)
  const path = await place.write('a.ndjson', ten.join('\n'))
  const failures = ['before', 'after']
  const registry: Registry = {
    ...place.registry,
    async compareAndSet(...entry) {
      const failure = failures.shift()
      if (failure === 'before') throw new TransientError('CONFLICT', 'down')
      const isSet = await place.registry.compareAndSet(...entry)
      if (failure === 'after') throw new TransientError('CONFLICT', 'down')
      return isSet
    },
  }
  const [first, second] = await hold(await place.open({ files: [path], batchItems: 3 }, { registry }), 2)
  await assert.rejects(async () => first?.ack(), { code: 'CONFLICT' })
  await assert.rejects(async () => first?.ack(), { code: 'CONFLICT' })
  await first?.ack()
  await second?.ack()
  assert.equal((await checkpointOf(place, path))?.['items'], 6)
})

test('two readers of one file never move one checkpoint', async (t) => {
  const place = await createPlace(t)
  const path = await place.write('a.ndjson', ten.join('\n'))
  const [mine] = await hold(await place.open({ files: [path], batchItems: 3 }), 1)
  const [theirs] = await hold(await place.open({ files: [path], batchItems: 5 }), 1)
  await theirs?.ack()
  await assert.rejects(async () => mine?.ack(), { code: 'CHECKPOINT_TAKEN' })
  assert.equal((await checkpointOf(place, path))?.['items'], 5)
})

async function checkpointOf(place: Place, path: string): Promise<Record<string, unknown> | undefined> {
  const entry = await place.registry.get(`checkpoint/shop/${path}`)
  return entry && (JSON.parse(entry.value.toString()) as Record<string, unknown>)
}
