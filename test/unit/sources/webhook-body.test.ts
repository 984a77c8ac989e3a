import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { encodingOf, framingOf, inflate, isBlank, readBody } from '../../../src/sources/webhook/body.ts'
import { createBudget, type Share } from '../../../src/sources/webhook/budget.ts'
import { Refused } from '../../../src/sources/webhook/refused.ts'

const TEXT = Buffer.from('{"rating":5} '.repeat(1_000))
const COMPRESSED = {
  gzip: gzipSync(TEXT),
  deflate: deflateSync(TEXT),
  br: brotliCompressSync(TEXT),
  zstd: zstdCompressSync(TEXT),
}

const alone = (): Share => createBudget(Number.MAX_SAFE_INTEGER).open()

const refusedWith = (status: number) => (error: unknown) =>
  error instanceof Refused && error.status === status

function inflated(body: Buffer, name: string, maxBytes = 1_000_000, share = alone()): Promise<Buffer> {
  const encoding = encodingOf(name)
  assert.ok(encoding)
  return inflate(body, encoding, maxBytes, share)
}

/** Notes the most that was ever held. */
function noted(): Share & { readonly most: number } {
  let held = 0
  let most = 0
  return {
    take(bytes) {
      held += bytes
      most = Math.max(most, held)
    },
    give(bytes) {
      held -= bytes
    },
    get most() {
      return most
    },
    [Symbol.dispose]() {},
  }
}

describe('inflating', () => {
  for (const [name, sent] of Object.entries(COMPRESSED)) {
    test(`${name}: gives the bytes that were compressed`, async () => {
      assert.deepEqual(await inflated(sent, name), TEXT)
    })

    test(`${name}: what is cut short, is none, or goes on behind its end is a 400`, async () => {
      const twice = Buffer.concat([sent, sent])
      for (const wrong of [
        sent.subarray(0, -1),
        sent.subarray(0, 5),
        Buffer.from('no such thing'),
        Buffer.alloc(0),
      ]) {
        await assert.rejects(inflated(wrong, name), refusedWith(400))
      }
      if (name === 'gzip') assert.equal((await inflated(twice, name)).length, 2 * TEXT.length)
      else await assert.rejects(inflated(twice, name), refusedWith(400))
    })

    test(`${name}: stops at the cap`, async () => {
      assert.equal((await inflated(sent, name, TEXT.length)).length, TEXT.length)
      await assert.rejects(inflated(sent, name, TEXT.length - 1), refusedWith(413))
    })
  }

  test('a bomb takes no more memory than the cap, a window and a chunk', async () => {
    const member = gzipSync(Buffer.alloc(2 ** 22))
    const bomb = Buffer.concat(Array.from({ length: 100 }, () => member))
    const share = noted()
    await assert.rejects(inflated(bomb, 'gzip', 1_000_000, share), refusedWith(413))
    assert.ok(share.most <= 1_000_000 + 2 ** 17, `${share.most} bytes`)
  })

  test('a zstd window of more than 8 MiB is refused', async () => {
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x70, 0x01, 0x00, 0x00])
    await assert.rejects(inflated(frame, 'zstd'), refusedWith(400))
    frame[5] = 0x68
    assert.equal((await inflated(frame, 'zstd')).length, 0, 'the same frame with 8 MiB')
  })
})

describe('reading', () => {
  test('a body in very many chunks is whole', async () => {
    const chunks = Array.from(TEXT, (byte) => Buffer.from([byte]))
    assert.deepEqual(await readBody(Readable.from(chunks), TEXT.length, alone()), TEXT)
  })

  test('a stream that breaks off is a 400', async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from('a')
        throw new Error('reset')
      })(),
    )
    await assert.rejects(readBody(broken, 10, alone()), refusedWith(400))
  })
})

describe('the budget', () => {
  test('holds all requests together to the limit, and one alone to none', () => {
    const budget = createBudget(10)
    const first = budget.open()
    first.take(25)
    const second = budget.open()
    assert.throws(() => second.take(1), refusedWith(503))
    first.give(20)
    second.take(5)
    assert.throws(() => second.take(1), refusedWith(503))
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    second.take(5)
    second.take(100)
  })
})

test('content types name a framing, or are refused', () => {
  for (const type of [
    undefined,
    'application/json',
    'text/json',
    'Application/JSON; charset=utf-8',
    'application/ld+json',
  ]) {
    assert.equal(framingOf(type), 'json', type)
  }
  for (const type of [
    'application/x-ndjson',
    'application/ndjson',
    'application/jsonl',
    'application/x-jsonlines',
  ]) {
    assert.equal(framingOf(type), 'ndjson', type)
  }
  for (const type of ['text/plain', 'constructor', '', 'application/xml+jsonish']) {
    assert.throws(() => framingOf(type), refusedWith(415), type)
  }
})

test('content encodings are known, absent, or refused', () => {
  for (const name of [undefined, '', 'identity']) assert.equal(encodingOf(name), undefined)
  assert.ok(encodingOf('GZIP'))
  for (const name of ['compress', 'gzip, gzip', '__proto__'])
    assert.throws(() => encodingOf(name), refusedWith(415), name)
})

test('a body is blank with nothing but white space behind a byte order mark', () => {
  for (const blank of ['', ' \r\n\t', '\ufeff', '\ufeff \n']) assert.ok(isBlank(Buffer.from(blank)))
  for (const text of ['0', ' []', '\ufeff{}', '\u00a0']) assert.ok(!isBlank(Buffer.from(text)), text)
})
