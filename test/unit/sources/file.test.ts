import assert from 'node:assert/strict'
import { createWriteStream } from 'node:fs'
import { appendFile, rm } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Split } from '../../../src/review/received.ts'
import { createPlace, hold, lines, never, readAll, texts } from './file-harness.ts'

describe('what a file holds', () => {
  const [one = '', two = '', three = ''] = lines(3)
  const layouts: readonly (readonly [title: string, name: string, text: string, items: string[]])[] = [
    ['a JSON object', 'a.json', `${one}\n`, [one]],
    ['a JSON array', 'a.json', `[${one}, ${two}]`, [one, two]],
    ['a pretty-printed object', 'a.json', '{\n  "review_id": "R1"\n}\n', ['{\n  "review_id": "R1"\n}']],
    [
      'NDJSON with CRLF, a byte order mark and blank lines',
      'a.ndjson',
      `\uFEFF${one}\r\n\r\n${two}\n`,
      [one, two],
    ],
    ['NDJSON in a file that is named .json', 'a.json', `${one}\n{bad\n${two}\n`, [one, '{bad', two]],
    ['an array over several lines, named .json', 'a.json', `[\n${one},\n${two}\n]`, [one, two]],
    ['a file whose name tells nothing', 'reviews', `${one}\n${two}\n${three}`, [one, two, three]],
    ['nothing', 'a.json', '', []],
  ]
  for (const [title, name, text, items] of layouts) {
    test(`${title} gives its items with their exact bytes`, async (t) => {
      const place = await createPlace(t)
      const path = await place.write(name, text)
      assert.deepEqual(texts(await readAll(await place.open({ files: [path] }))), items)
    })
  }

  test('the format that is asked for wins over name and first bytes', async (t) => {
    const place = await createPlace(t)
    const path = await place.write('a.csv', '[1]\n[2]\n')
    assert.deepEqual(texts(await readAll(await place.open({ files: [path], format: 'ndjson' }))), [
      '[1]',
      '[2]',
    ])
  })

  test('gzip and zstd are told by their first bytes, whatever the name says', async (t) => {
    const place = await createPlace(t)
    const text = `${one}\n${two}\n`
    const files = [
      await place.write('a.ndjson', gzipSync(text)),
      await place.write('b.ndjson.zst', zstdCompressSync(text)),
      await place.write('c.ndjson.gz', text),
    ]
    assert.deepEqual(texts(await readAll(await place.open({ files }))), [one, two, one, two, one, two])
  })

  test('compressed files that were joined are read as one', async (t) => {
    const place = await createPlace(t)
    for (const compress of [gzipSync, zstdCompressSync]) {
      const parts = [one, two, three].map((line) => compress(`${line}\n`))
      const path = await place.write(`a-${compress.name}.ndjson`, Buffer.concat(parts))
      assert.deepEqual(texts(await readAll(await place.open({ files: [path] }))), [one, two, three])
    }
  })

  test('bytes behind compressed data that are none are a dead letter', async (t) => {
    const place = await createPlace(t)
    for (const compress of [gzipSync, zstdCompressSync]) {
      const path = await place.write(
        'a.ndjson',
        Buffer.concat([compress(`${one}\n`), Buffer.from('more bytes')]),
      )
      const received = await readAll(await place.open({ files: [path] }))
      assert.match(received.at(-1)?.context.unreadable ?? '', /^expected compressed data, found: /)
    }
  })

  test('compressed data that ends too early brings what it held, and a dead letter', async (t) => {
    const place = await createPlace(t)
    const path = await place.write('a.ndjson.gz', gzipSync(lines(1_000).join('\n')).subarray(0, -20))
    const received = await readAll(await place.open({ files: [path] }))
    const broken = received.at(-1)
    assert.ok(received.length > 1)
    assert.match(
      broken?.context.unreadable ?? '',
      /^expected compressed data, found: unexpected end of file$/,
    )
    assert.ok(received.slice(0, -1).every(({ context }) => context.unreadable === undefined))
  })

  test('truncated JSON and garbage between elements are dead letters that say why', async (t) => {
    const place = await createPlace(t)
    const path = await place.write('a.json', '[{"a":1} oh,{"b":2},{"c":')
    const received = await readAll(await place.open({ files: [path] }))
    assert.deepEqual(
      received.map(({ raw, context }) => [raw.toString(), context.unreadable]),
      [
        ['{"a":1}', undefined],
        ['oh', 'expected , or ], found o at byte 9'],
        ['{"b":2}', undefined],
        ['{"c":', 'expected a closing bracket, found the end at byte 25'],
      ],
    )
  })

  test('bytes that are no UTF-8 pass through exactly', async (t) => {
    const place = await createPlace(t)
    const bad = Buffer.from([0x22, 0xff, 0xfe, 0x00, 0xc3, 0x22])
    const path = await place.write('a.json', Buffer.concat([Buffer.from('['), bad, Buffer.from(']')]))
    assert.deepEqual((await readAll(await place.open({ files: [path] })))[0]?.raw, bad)
  })

  test('an item over the limit is a dead letter, and its neighbours are not', async (t) => {
    const place = await createPlace(t)
    const path = await place.write('a.ndjson', `1\n"${'x'.repeat(50)}"\n2\n`)
    const received = await readAll(await place.open({ files: [path], maxItemBytes: 20 }))
    assert.deepEqual(
      received.map(({ context }) => context.unreadable?.slice(0, 20)),
      [undefined, 'larger than 20 bytes', undefined],
    )
  })
})

describe('the rows of a CSV', () => {
  test('come with the header and are not split', async (t) => {
    const place = await createPlace(t)
    const path = await place.write('a.csv', '\uFEFF"id",,text\r\n1,x,"two\r\nlines, ""quoted"""\r\n\r\n2,y,z')
    const split: Split = () => assert.fail('a row is no document')
    const received = await readAll(await place.open({ files: [path] }, { split }))
    assert.deepEqual(texts(received), ['1,x,"two\r\nlines, ""quoted"""', '2,y,z'])
    assert.deepEqual(
      received.map(({ context: { columns, delimiter, position } }) => [columns, delimiter, position]),
      [
        [['id', 'column_2', 'text'], ',', 1],
        [['id', 'column_2', 'text'], ',', 2],
      ],
    )
  })

  test('have tabs and no quotes in a .tsv, and wherever TSV is asked for', async (t) => {
    const place = await createPlace(t)
    const content = 'id\ttext\n1\t"odd\n2\tfine\n'
    for (const [name, bytes, format] of [
      ['a.tsv.gz', gzipSync(content)],
      ['a.TSV', content],
      ['a.txt', content, 'tsv'],
      ['a.csv.zst', zstdCompressSync(content), 'tsv'],
    ] as const) {
      const path = await place.write(name, bytes)
      const received = await readAll(await place.open({ files: [path], format }))
      assert.deepEqual(texts(received), ['1\t"odd', '2\tfine'])
      assert.ok(received.every(({ context }) => context.delimiter === '\t' && !context.unreadable))
    }
  })

  test('have commas and quotes where CSV is asked for, whatever the name says', async (t) => {
    const place = await createPlace(t)
    const path = await place.write('a.tsv', 'id,text\n1,"a\tb, c"\n')
    const [row] = await readAll(await place.open({ files: [path], format: 'csv' }))
    assert.deepEqual([row?.raw.toString(), row?.context.delimiter], ['1,"a\tb, c"', ','])
  })

  test('with more or fewer fields than the header are dead letters', async (t) => {
    const place = await createPlace(t)
    const path = await place.write('a.csv', 'a,b\n1,2\n1\n1,2,3\n')
    const received = await readAll(await place.open({ files: [path] }))
    assert.deepEqual(
      received.map(({ context }) => context.unreadable),
      [undefined, 'expected 2 fields, found 1', 'expected 2 fields, found 3'],
    )
  })

  for (const [what, start] of [
    ['delimiters', ''],
    ['delimiters behind a quoted field', '"a"'],
  ] as const) {
    test(`of ${what} alone, millions of them, are one dead letter that says why`, async (t) => {
      const place = await createPlace(t)
      const row = start + ','.repeat(8 * 2 ** 20)
      const path = await place.write('a.csv', `a,b\n1,2\n${row}\n3,4\n`)
      const received = await readAll(await place.open({ files: [path] }))
      assert.deepEqual(
        received.map(({ raw, context }) => [raw.length, context.unreadable]),
        [
          [3, undefined],
          [row.length, 'expected 2 fields, found 8388609'],
          [3, undefined],
        ],
      )
    })
  }

  const HEADLESS = 'expected a row under a header, found a file whose header can not be read'
  const numbered = (count: number): string => Array.from({ length: count }, (_, n) => `c${n}`).join()

  test('come with a header of as many columns and bytes as may be', async (t) => {
    const place = await createPlace(t)
    for (const header of [numbered(1_000), `a,${'b'.repeat(65_534)}`]) {
      const columns = header.split(',')
      const path = await place.write('a.csv', `${header}\n${'1,'.repeat(columns.length - 1)}2\n`)
      const [row] = await readAll(await place.open({ files: [path] }))
      assert.equal(row?.context.unreadable, undefined)
      assert.deepEqual(row?.context.columns, columns)
    }
  })

  for (const [what, header, why, settings] of [
    ['1,001 columns', numbered(1_001), 'expected a header of at most 1000 columns, found 1001'],
    ['a million columns', 'ab,'.repeat(999_999), 'expected a header of at most 65536 bytes, found 2999997'],
    [
      'one byte too many',
      `a,${'é'.repeat(32_767)}b`,
      'expected a header of at most 65536 bytes, found 65537',
    ],
    [
      'more bytes than an item may have',
      'id,text,more',
      'larger than 10 bytes: the rest of it, up to byte 13, was skipped',
      { maxItemBytes: 10 },
    ],
  ] as const) {
    test(`under a header of ${what} are dead letters, as it is, with their exact bytes`, async (t) => {
      const place = await createPlace(t)
      const path = await place.write('a.csv', `${header}\n1,"a\nb"\n2,c\n`)
      const received = await readAll(await place.open({ files: [path], ...settings }))
      const kept = settings ? header.slice(0, settings.maxItemBytes) : header
      assert.deepEqual(texts(received), [kept, '1,"a\nb"', '2,c'])
      assert.deepEqual(
        received.map(({ context: { unreadable, columns, position } }) => [unreadable, columns, position]),
        [
          [why, undefined, 1],
          [HEADLESS, undefined, 2],
          [HEADLESS, undefined, 3],
        ],
      )
    })
  }

  test('under such a header stay dead letters after a restart, and none is taken for a header', async (t) => {
    const place = await createPlace(t)
    const path = await place.write('a.csv', `${numbered(1_001)}\n1,2\n3,4\n`)
    const settings = { files: [path], batchItems: 1 }
    const [header, first] = await hold(await place.open(settings), 2)
    await header?.ack()
    await first?.ack()
    await appendFile(path, '5,6\n')
    const rest = await readAll(await place.open(settings))
    assert.deepEqual(texts(rest), ['3,4', '5,6'])
    assert.ok(rest.every(({ context }) => context.unreadable === HEADLESS && !context.columns))
  })
})

test('a document gives as many items as the preset finds in it, with what it carries along', async (t) => {
  const place = await createPlace(t)
  const path = await place.write('pages.ndjson', '["a","b"]\n[]\n["c"]\n')
  const split: Split = (document) =>
    (JSON.parse(document.toString()) as string[]).map((id) => ({
      raw: Buffer.from(id),
      carried: { product: 'B1' },
    }))
  const now = 1_700_000_000_000
  const received = await readAll(
    await place.open({ files: [path], batchItems: 1 }, { split, clock: () => now }),
  )
  const told = { source: 'shop', kind: 'file', from: path, carried: { product: 'B1' } }
  assert.deepEqual(
    received.map(({ raw, ...rest }) => ({ raw: raw.toString(), ...rest })),
    [
      { origin: 'acme', receivedAt: now, raw: 'a', context: { ...told, position: 1 } },
      { origin: 'acme', receivedAt: now, raw: 'b', context: { ...told, position: 1 } },
      { origin: 'acme', receivedAt: now, raw: 'c', context: { ...told, position: 3 } },
    ],
  )
})

test('globs and paths are read in their order, each file once, under the path that was given', async (t) => {
  const place = await createPlace(t)
  const first = await place.write('z [1].json', '1')
  await place.write('b.ndjson', '3')
  const second = await place.write('a.ndjson', '2')
  const given = relative(process.cwd(), first)
  const received = await readAll(
    await place.open({ files: [given, join(dirname(first), '*.ndjson'), second] }),
  )
  assert.deepEqual(texts(received), ['1', '2', '3'])
  assert.equal(received[0]?.context.from, given)
})

test('all files that can not be read are told before anything is read', async (t) => {
  const place = await createPlace(t)
  const good = await place.write('a.json', '1')
  const missing = `${good}.missing`
  const folder = dirname(good)
  await assert.rejects(place.open({ files: [missing, good, folder, join(folder, '*.csv')] }), {
    code: 'FILE_UNREADABLE',
    message: [
      `${missing}: expected a file, found nothing there`,
      `${folder}: expected a file, found a directory`,
      `${join(folder, '*.csv')}: expected at least one file, found none`,
    ].join('\n'),
  })
})

test('a file that vanishes before its turn is told', async (t) => {
  const place = await createPlace(t)
  const path = await place.write('a.json', '1')
  const source = await place.open({ files: [path] })
  await rm(path)
  await assert.rejects(readAll(source), {
    code: 'FILE_UNREADABLE',
    message: /expected a file, found nothing there/,
  })
})

test('an unknown key and an empty list of files are wrong', async (t) => {
  const place = await createPlace(t)
  await assert.rejects(place.open({ files: ['a'], wacth: true }), /wacth/)
  await assert.rejects(place.open({ files: [] }))
})

test('30 MB of one array are read in bounded memory', { timeout: 60_000 }, async (t) => {
  const place = await createPlace(t)
  const path = await place.write('large.json', '')
  const element = `{"review_id":"R","review_text":"${'lorem ipsum '.repeat(80)}"}`
  const count = 30_000
  await pipeline(Readable.from(elements(element, count)), createWriteStream(path))
  const source = await place.open({ files: [path], batchItems: 100_000 })

  let items = 0
  let largest = 0
  let highest = 0
  const before = process.memoryUsage().rss
  for await (const batch of source.read({ signal: never })) {
    items += batch.items.length
    largest = Math.max(
      largest,
      batch.items.reduce((sum, { raw }) => sum + raw.length, 0),
    )
    highest = Math.max(highest, process.memoryUsage().rss - before)
    await batch.ack()
  }
  assert.equal(items, count)
  assert.ok(largest < 4 * 2 ** 20 + 2 * element.length, `${largest} bytes in one batch`)
  assert.ok(highest < 200 * 2 ** 20, `${highest} bytes more than before`)
  assert.deepEqual(source.progress?.(), {
    done: sizeOf(element, count),
    total: sizeOf(element, count),
    unit: 'bytes',
  })
})

test('progress counts the bytes of all files as they are stored', async (t) => {
  const place = await createPlace(t)
  const files = [
    await place.write('a.ndjson', lines(3).join('\n')),
    await place.write('b.ndjson.gz', gzipSync(lines(500).join('\n'))),
  ]
  const source = await place.open({ files, batchItems: 2 })
  const total = source.progress?.().total ?? 0
  assert.deepEqual(source.progress?.(), { done: 0, total, unit: 'bytes' })
  let last = 0
  for await (const _ of source.read({ signal: never })) {
    const done = source.progress?.().done ?? 0
    assert.ok(done >= last && done <= total, `${last}, ${done}, ${total}`)
    last = done
  }
  assert.equal(source.progress?.().done, total)
})

test('disposing ends the reading quietly', async (t) => {
  const place = await createPlace(t)
  const path = await place.write('a.ndjson', lines(10).join('\n'))
  const source = await place.open({ files: [path], batchItems: 1 })
  let batches = 0
  for await (const _ of source.read({ signal: never })) {
    batches++
    await source[Symbol.asyncDispose]()
  }
  assert.equal(batches, 1)
})

test('leaving the loop ends the reading', async (t) => {
  const place = await createPlace(t)
  const path = await place.write('a.ndjson.gz', gzipSync(lines(1_000).join('\n')))
  const [batch] = await hold(await place.open({ files: [path], batchItems: 10 }), 1)
  assert.equal(batch?.items.length, 10)
})

function* elements(element: string, count: number): Generator<string> {
  yield '['
  for (let n = 1; n < count; n++) yield `${element},`
  yield `${element}]`
}

const sizeOf = (element: string, count: number): number => (element.length + 1) * count + 1
