import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ENOUGH_KNOWN } from '../../../src/telemetry/drift/compare.ts'
import { eachField } from '../../../src/telemetry/drift/fields.ts'
import { accepted, createDriftObserver, type Standing } from '../../../src/telemetry/drift/observer.ts'
import { sentenceOf } from '../../../src/telemetry/drift/words.ts'
import type { Context, Received } from '../../../src/review/received.ts'

const START = Date.parse('2026-01-01T10:00:00Z')
const HOUR = 3_600_000

type Make = (n: number) => unknown

/** A source that hands over ten items a second, and an observer that looks at all of them. */
function watched(context: Partial<Context> = {}) {
  let at = START
  const observer = createDriftObserver({ clock: () => at, steady: () => at })
  let n = 0

  function receive(raw: string): Received {
    return {
      origin: 'shop',
      receivedAt: at,
      raw: Buffer.from(raw),
      context: { source: 'shop', kind: 'webhook', ...context },
    }
  }
  return {
    observer,
    wait: (ms: number) => void (at += ms),
    send(count: number, make: Make): void {
      for (let sent = 0; sent < count; sent += 10) {
        observer.observe(Array.from({ length: 10 }, () => receive(JSON.stringify(make(n++)))))
        at += 1_000
      }
    },
    sendRaw: (raw: string) => observer.observe([receive(raw)]),
    found: (): string[] => observer.look().map(({ kind, field }) => `${kind} ${field}`),
  }
}

/** As providers send them: rare fields, nulls, a rating that is now and then text. */
const usual: Make = (n) => ({
  id: `R${n}`,
  rating: n % 200 === 7 ? 'five' : (n % 5) + 1,
  title: n % 20 === 3 ? null : 'Fine',
  price: n % 2 === 0 ? 5 : '5.00',
  images: n % 4 === 0 ? [{ url: 'a', alt: null }, { url: 'b' }] : [],
  votes: { helpful: n % 3 },
  histogram: { '5': n, '4': 1 },
  ...(n % 40 === 0 && { vine: true }),
})

const learned = (): ReturnType<typeof watched> => {
  const source = watched()
  source.send(2_500, usual)
  return source
}

describe('the drift of a source', () => {
  test('is none where nothing changes, whatever the mixture is', () => {
    const source = watched()
    for (let round = 0; round < 60; round++) {
      source.send(200, usual)
      assert.deepEqual(source.found(), [], `after ${(round + 1) * 200} items`)
      source.wait(HOUR / 4)
    }
  })

  test('is not told before enough is known', () => {
    const source = watched()
    source.send(ENOUGH_KNOWN - 200, usual)
    source.send(200, (n) => ({ ...(usual(n) as object), rating: '4.0 out of 5' }))
    assert.deepEqual(source.found(), [])
  })

  test('is a field of another type, within a few hundred items', () => {
    const source = learned()
    source.send(400, (n) => ({ ...(usual(n) as object), ...(n % 2 === 0 && { rating: '4.0 out of 5' }) }))
    assert.deepEqual(source.found(), ['type /rating'])
    const [drift] = source.observer.look()
    assert.match(
      wordsOf(drift),
      /^`\/rating` is text in \d+ % of the items since 2026-01-01 10:\d\d UTC; it was that in 1 %$/,
    )
    source.send(2_000, usual)
    assert.deepEqual(source.found(), [], 'and has ended once it is a number again')
  })

  test('is a type that was rare, once it is not', () => {
    const mixed =
      (every: number): Make =>
      (n) => ({ ...(usual(n) as object), rating: n % every === 0 ? 'five' : 5 })
    const source = watched()
    source.send(2_500, mixed(25))
    assert.deepEqual(source.found(), [])
    source.send(1_000, mixed(3))
    assert.deepEqual(source.found(), [], 'a third is not ten times as many')
    source.send(1_000, mixed(1))
    assert.deepEqual(source.found(), ['type /rating'])
  })

  test('is a field that is new in a good part of the items, and what is in it is not told beside it', () => {
    const source = learned()
    source.send(250, (n) => ({ ...(usual(n) as object), badge: { name: 'vine', level: 1 } }))
    assert.deepEqual(source.found(), ['new /badge'])
    const rare = learned()
    rare.send(400, (n) => ({ ...(usual(n) as object), ...(n % 10 === 0 && { badge: true }) }))
    assert.deepEqual(rare.found(), [])
  })

  test('is a field that is gone, or often missing, for long enough', () => {
    const source = learned()
    const { title: _, ...bare } = usual(1) as { title: string }
    source.send(100, () => bare)
    assert.deepEqual(source.found(), [], 'a hundred items of one kind are no change')
    source.send(3_000, () => bare)
    assert.deepEqual(source.found(), ['emptier /title'])
    for (let round = 0; round < 2; round++) {
      source.wait(HOUR)
      source.send(1_000, () => bare)
    }
    assert.deepEqual(source.found(), ['gone /title'])
    assert.match(
      wordsOf(source.observer.look()[0]),
      /^`\/title` is gone since .*; it was in 95 % of the items$/,
    )
  })

  test('is none of what only one product has, whose items come together', () => {
    const source = learned()
    const ofOne: Make = (n) => ({ ...(usual(n) as object), rating: 'five', badge: 'top' })
    for (let round = 0; round < 20; round++) {
      source.send(40, ofOne)
      source.send(960, usual)
      assert.deepEqual(source.found(), [], `after ${round + 1} such products`)
    }
  })

  test('is found again after a restart, with the time at which it was found first', () => {
    const source = learned()
    source.send(100, (n) => ({ ...(usual(n) as object), rating: 'four' }))
    const [before] = source.observer.look()
    const state = JSON.parse(JSON.stringify(source.observer.state())) as ReturnType<
      typeof source.observer.state
    >
    const next = watched()
    next.wait(HOUR)
    next.observer.restore(state)
    assert.deepEqual(next.observer.look(), [before])
  })

  test('is what is usual once it is accepted', () => {
    const source = learned()
    const changed: Make = (n) => ({ ...(usual(n) as object), rating: 'four', badge: true })
    source.send(250, changed)
    assert.deepEqual(source.found(), ['type /rating', 'new /badge'])
    source.observer.restore(accepted(source.observer.state(), START), { onlyKnown: true })
    assert.deepEqual(source.found(), [])
    source.send(2_000, changed)
    assert.deepEqual(source.found(), [])
  })

  test('is looked for in the cells of a CSV file, too', () => {
    const source = watched({ columns: ['id', 'text', 'helpful'] })
    for (let n = 0; n < 2_500; n++) {
      source.sendRaw(`R${n},"Fine, mostly",${n % 2 ? 3 : ''}`)
      source.wait(100)
    }
    for (let n = 0; n < 5_000; n++) {
      source.sendRaw(`R${n},,3`)
      source.wait(1_000)
    }
    assert.deepEqual(source.found(), ['gone /text'])
  })

  test('is not looked for in what holds no items, and nothing that is sent does harm', () => {
    const source = watched()
    for (const raw of [
      '',
      '[',
      '[1]',
      '7',
      'null',
      '{"__proto__":1}',
      '{'.repeat(10_000),
      `{"a":${'['.repeat(9_000)}1`,
    ])
      source.sendRaw(raw)
    const blocked = watched({ blocked: 'a captcha' })
    blocked.sendRaw('{"a":1}')
    assert.equal(blocked.observer.state().day.samples, 0)
    assert.deepEqual(source.found(), [])
  })

  test('takes memory for 300 fields and no more, however many there are', () => {
    const source = watched()
    source.send(5_000, (n) => Object.fromEntries(Array.from({ length: 50 }, (_, m) => [`f${n}x${m}`, 1])))
    const state = source.observer.state()
    assert.equal(Object.keys(state.day.fields).length, 300)
    assert.equal(state.isMore, true)
  })

  test('is looked for in at most 500 items at once and 50 a second, from all over a batch', () => {
    const source = watched()
    const items = Array.from({ length: 10_000 }, (_, n): Received => {
      const raw = Buffer.from(JSON.stringify({ [n < 5_000 ? 'first' : 'second']: n }))
      return { origin: 'shop', receivedAt: 0, raw, context: { source: 'shop', kind: 'webhook' } }
    })
    source.observer.observe(items)
    const { samples, fields } = source.observer.state().day
    assert.equal(samples, 500)
    assert.deepEqual(
      Object.values(fields).map(({ kinds }) => kinds[1]),
      [250, 250],
    )
    source.observer.observe(items)
    source.wait(2_000)
    source.observer.observe(items)
    assert.equal(source.observer.state().day.samples, 600)
  })
})

describe('the fields of an item', () => {
  test('are told once each, with the entries of a list and members with a digit in front as one', () => {
    const told: string[] = []
    eachField({ 'a/b': [1, { c: null }], d: { '5': 'x', e: false } }, (pointer, kind) =>
      told.push(`${pointer} ${kind}`),
    )
    assert.deepEqual(told, [
      '/a~1b list',
      '/a~1b/* number',
      '/a~1b/* object',
      '/a~1b/*/c null',
      '/d object',
      '/d/* text',
      '/d/e boolean',
    ])
  })

  test('are at most a thousand, whatever the item is', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 12 })), (item) => {
        let count = 0
        eachField(item, (pointer) => {
          count++
          assert.ok(pointer.startsWith('/') && pointer.length <= 200)
        })
        assert.ok(count <= 1_000)
      }),
    )
  })
})

const wordsOf = (drift: Standing | undefined): string =>
  drift === undefined ? assert.fail('no drift') : sentenceOf(drift, drift.since)
