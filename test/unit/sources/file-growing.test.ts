import assert from 'node:assert/strict'
import { appendFile, truncate, writeFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { readAll, texts } from './file-harness.ts'
import { createWatched, items, lookAgain, SETTLE_MS } from './file-watch-harness.ts'

describe('a file that is being written while it is watched', () => {
  const grown: readonly (readonly [name: string, pieces: string[], after: string[][]])[] = [
    ['a.ndjson', ['{"a":1}\n{"a"', ':2}', '\n'], [['{"a":1}'], ['{"a":1}'], ['{"a":1}', '{"a":2}']]],
    ['a.csv', ['a,b\n1,"2\n', '3"', '\n4,5\n'], [[], [], ['1,"2\n3"', '4,5']]],
    ['a.tsv', ['a\tb', '\n1\t2\n3', '\t4\n'], [[], ['1\t2'], ['1\t2', '3\t4']]],
    ['a.txt', ['1\n2\n'], [[]]],
    ['a.json', ['[1,', '2]'], [[], []]],
  ]
  for (const [name, pieces, after] of grown) {
    test(`gives its whole lines, if it has lines: ${name}`, async (t) => {
      const place = await createWatched(t)
      const path = await place.write(name, '')
      await using files = await place.watch()
      for (const [n, piece] of pieces.entries()) {
        await appendFile(path, piece)
        await lookAgain(place, files)
        assert.deepEqual(items(files), after[n])
      }
    })
  }

  test('gives its last line, which nothing ended, once it has not changed for a while', async (t) => {
    const place = await createWatched(t)
    await place.write('a.ndjson', '1\n2')
    await using files = await place.watch()
    await lookAgain(place, files)
    place.now += SETTLE_MS - 1
    await lookAgain(place, files)
    assert.deepEqual(items(files), ['1'])
    place.now += 1
    await lookAgain(place, files)
    assert.deepEqual(items(files), ['1', '2'])
  })

  for (const [name, bytes] of [
    ['a.json', Buffer.from('["1","2"]')],
    ['b.ndjson.gz', gzipSync('"1"\n"2"\n')],
    ['c.ndjson', zstdCompressSync('"1"\n"2"\n')],
  ] as const) {
    test(`is read as a whole once it has not changed for a while, if it has no lines: ${name}`, async (t) => {
      const place = await createWatched(t)
      const path = await place.write(name, bytes.subarray(0, 8))
      await using files = await place.watch()
      await lookAgain(place, files)
      place.now += SETTLE_MS - 1
      await appendFile(path, bytes.subarray(8))
      await lookAgain(place, files)
      assert.deepEqual(items(files), [])
      place.now += SETTLE_MS
      await lookAgain(place, files)
      assert.deepEqual(items(files), ['"1"', '"2"'])
      assert.ok(files.received.every(({ context }) => context.unreadable === undefined))
    })
  }

  test('whose writer paused for too long in a line leaves a dead letter, and no review is lost', async (t) => {
    const place = await createWatched(t)
    const path = await place.write('a.ndjson', '1\n{"half":')
    await using files = await place.watch()
    await lookAgain(place, files)
    place.now += SETTLE_MS
    await lookAgain(place, files)
    assert.deepEqual(items(files), ['1', '{"half":'])
    await appendFile(path, '2}\n3\n')
    place.now += SETTLE_MS
    await lookAgain(place, files)
    assert.deepEqual(items(files), ['1', '{"half":', '{"half":2}', '3'])
  })

  test('that is written anew from its beginning is read anew', async (t) => {
    const place = await createWatched(t)
    const path = await place.write('a.ndjson', '1\n2\n3\n')
    await using files = await place.watch()
    await files.until(3)
    await truncate(path, 0)
    await writeFile(path, '4\n')
    await lookAgain(place, files)
    assert.deepEqual(items(files), ['1', '2', '3', '4'])
  })

  test('is read once, whatever pieces it comes in and however often it is looked at', {
    timeout: 60_000,
  }, async (t) => {
    const line = fc.string({ unit: fc.constantFrom('a', 'é', '"', '\\', ' ', '{'), maxLength: 5 })
    const piece = fc.record({ bytes: fc.nat({ max: 9 }), pauses: fc.boolean() })
    const property = fc.asyncProperty(
      fc.array(line, { maxLength: 8 }),
      fc.array(piece),
      async (lines, pieces) => {
        const place = await createWatched(t)
        const whole = Buffer.from(lines.map((text) => `${JSON.stringify(text)}\n`).join(''))
        const path = await place.write('a.ndjson', '')
        await using files = await place.watch()
        let at = 0
        for (const { bytes, pauses } of [...pieces, { bytes: whole.length, pauses: true }]) {
          await appendFile(path, whole.subarray(at, at + bytes))
          at += bytes
          if (pauses) await lookAgain(place, files)
        }
        assert.deepEqual(
          items(files),
          lines.map((text) => JSON.stringify(text)),
        )
      },
    )
    await fc.assert(property, { numRuns: 100 })
  })
})

test('a line that nothing ended is read again as a whole when its file has grown', async (t) => {
  const place = await createWatched(t)
  for (const [name, before, after, items] of [
    ['a.ndjson', '1\n{"a"', ':2}\n3\n', ['{"a":2}', '3']],
    ['b.csv', 'a,b\n1,2\n3,', '4\n', ['3,4']],
    ['c.csv', 'a,b', ',c\n1,2,3\n', ['1,2,3']],
    ['d.csv', 'a,b\n1,"2\n', '3"\n', ['1,"2\n3"']],
    ['reviews', '1\n2\n3', '4\n', ['34']],
  ] as const) {
    const path = await place.write(name, before)
    await readAll(await place.open({ files: [path] }))
    await appendFile(path, after)
    assert.deepEqual(texts(await readAll(await place.open({ files: [path] }))), items, name)
    assert.deepEqual(await readAll(await place.open({ files: [path] })), [], name)
  }
})
