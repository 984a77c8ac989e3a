import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { beforeEach, describe, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { createPlace, follow, lines, never, type Place, readAll, texts } from './file-harness.ts'

const [one = '', two = ''] = lines(2)

const told: string[] = []
const tell = (_: object, message: string): void => void told.push(message)
const logger = { debug: tell, info: tell, warn: tell, error: tell }
beforeEach(() => void told.splice(0))

const openInput = (place: Place, stdin: Readable, settings: object = {}) =>
  place.open({ files: ['-'], ...settings }, { stdin, logger })

/** In pieces that fall on no border. */
function pipe(content: string | Buffer, size = 3): Readable {
  const bytes = Buffer.from(content)
  const count = Math.ceil(bytes.length / size)
  return Readable.from(Array.from({ length: count }, (_, n) => bytes.subarray(n * size, (n + 1) * size)))
}

describe('the standard input', () => {
  const contents: readonly (readonly [
    title: string,
    content: string | Buffer,
    items: string[],
    format?: string,
  ])[] = [
    ['NDJSON', `${one}\n${two}\n`, [one, two]],
    ['a JSON array', `[${one},\n${two}]`, [one, two]],
    ['CSV, if that is said', 'a,b\n1,2\n', ['1,2'], 'csv'],
    ['TSV, if that is said', 'a\tb\n1\t"2\n', ['1\t"2'], 'tsv'],
    ['gzip', gzipSync(`${one}\n${two}`), [one, two]],
    ['zstd', zstdCompressSync(`${one}\n${two}`), [one, two]],
    ['no more than two bytes', '7\n', ['7']],
    ['nothing', '', []],
  ]
  for (const [title, content, items, format] of contents) {
    test(`may be ${title}`, async (t) => {
      const place = await createPlace(t)
      const received = await readAll(await openInput(place, pipe(content), { format }))
      assert.deepEqual(texts(received), items)
      assert.ok(received.every(({ context }) => context.from === '-' && context.unreadable === undefined))
    })
  }

  test('that ends in the middle brings what it held, and a dead letter', async (t) => {
    const place = await createPlace(t)
    const cutOff = gzipSync(lines(100).join('\n')).subarray(0, -20)
    const received = await readAll(await openInput(place, pipe(cutOff, 100)))
    assert.ok(received.length > 1)
    assert.match(received.at(-1)?.context.unreadable ?? '', /^expected compressed data, found: /)
  })

  test('has no checkpoint', async (t) => {
    const place = await createPlace(t)
    await readAll(await openInput(place, pipe(one)))
    assert.deepEqual(await Array.fromAsync(place.registry.list('')), [])
    assert.deepEqual(texts(await readAll(await openInput(place, pipe(one)))), [one])
  })

  test('that comes slowly is handed over as it comes', async (t) => {
    const place = await createPlace(t)
    const stdin = new PassThrough()
    await using input = follow(await openInput(place, stdin))
    stdin.write(`${one}\n{"half":`)
    stdin.write(`true}\n${two}`)
    assert.deepEqual(await input.until(2), [one, '{"half":true}'])
    stdin.end()
    assert.deepEqual(await input.until(3), [one, '{"half":true}', two])
  })

  test('waits while nobody takes what came: a pipe is not read into memory', async (t) => {
    const place = await createPlace(t)
    const chunk = Buffer.from(`${`"${'x'.repeat(1022)}"\n`.repeat(64)}`)
    let sent = 0
    const stdin = new Readable({
      highWaterMark: chunk.length,
      read() {
        sent += chunk.length
        this.push(sent > 2 ** 27 ? null : chunk)
      },
    })
    const source = await openInput(place, stdin)
    let taken = 0
    for await (const batch of source.read({ signal: never })) {
      taken += batch.items.reduce((sum, { raw }) => sum + raw.length, 0)
      assert.ok(sent - taken < 8 * 2 ** 20, `${sent - taken} bytes ahead`)
    }
    assert.ok(taken > 2 ** 26)
  })

  test('ends quietly and promptly when told to stop while it waits, lets go of the pipe, and says what that means', async (t) => {
    const place = await createPlace(t)
    for (const start of ['', one, gzipSync(one), zstdCompressSync(one)]) {
      const stdin = new PassThrough()
      stdin.write(start)
      const stop = new AbortController()
      const source = await openInput(place, stdin)
      const read = Array.fromAsync(source.read({ signal: stop.signal }))
      stop.abort()
      await read
      assert.ok(stdin.destroyed)
    }
    const said = 'the standard input was not read to its end, and can not be gone on with: '
    assert.equal(told.filter((message) => message.startsWith(said)).length, 4)
  })

  test('that was read and acknowledged to its end is no matter, though it was told to stop', async (t) => {
    const place = await createPlace(t)
    const stop = new AbortController()
    for await (const batch of (await openInput(place, pipe(one))).read({ signal: stop.signal })) {
      stop.abort()
      await batch.ack()
    }
    assert.deepEqual(told, [])
  })

  test('that fails is told', async (t) => {
    const place = await createPlace(t)
    const stdin = new PassThrough()
    const source = await openInput(place, stdin)
    stdin.destroy(Object.assign(new Error('read EIO'), { code: 'EIO' }))
    await assert.rejects(readAll(source), { code: 'FILE_UNREADABLE', message: '-: read EIO' })
  })

  test('tells how much was read, and no total', async (t) => {
    const place = await createPlace(t)
    const source = await openInput(place, pipe(one))
    assert.deepEqual(source.progress?.(), { done: 0, unit: 'bytes' })
    await readAll(source)
    assert.deepEqual(source.progress?.(), { done: one.length, unit: 'bytes' })
  })

  test('is read alone, by one source, and not watched', async (t) => {
    const place = await createPlace(t)
    const stdin = pipe(one)
    await openInput(place, stdin)
    await assert.rejects(openInput(place, stdin), {
      code: 'FILE_UNREADABLE',
      message: /another source reads it/,
    })
    await assert.rejects(place.open({ files: ['-'] }), { code: 'FILE_UNREADABLE', message: /there is none/ })
    for (const wrong of [{ files: ['-', 'a.json'] }, { files: ['-'], watch: true }]) {
      await assert.rejects(
        place.open(wrong, { stdin: pipe(one) }),
        /expected the standard input, -, to be read alone/,
      )
    }
  })

  test('is no file that is named -', async (t) => {
    const place = await createPlace(t)
    const path = await place.write('-', one)
    assert.deepEqual(texts(await readAll(await place.open({ files: [path] }))), [one])
  })
})
