import assert from 'node:assert/strict'
import { hash, randomBytes, randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { reviewHalf } from '../../src/review/key.ts'
import type { ReviewRecord } from '../../src/review/record.ts'
import type { Store } from '../../src/stores/store.ts'
import {
  accepted,
  acceptedVerdict,
  noted,
  numbered,
  put,
  rejected,
  rejectedVerdict,
  START,
} from '../support/records.ts'
import { all, keysOf, one } from '../support/store-reads.ts'
import { deadLetterPromises } from './store-dead-letters.ts'
import { type Declare, type Optional, type Promised, scanPromises } from './store-scans.ts'

export interface StoreHarness {
  /** Two opens of one name are two sessions on one store; a new name is an empty store. */
  readonly open: (name: string) => Promise<Store>
  /** Promises this adapter can't be held to here, and why. */
  readonly skip?: Readonly<Record<string, string>>
  /** The longest that one promise may take. */
  readonly patienceMs?: number
}

/** Every store keeps these promises. The titles are the contract. */
export function storeConformance(name: string, harness: StoreHarness): void {
  const { open, skip = {}, patienceMs = 60_000 } = harness

  function promise(title: string, run: Promised, needs: readonly Optional[] = []): void {
    test(title, { skip: skip[title] ?? false, timeout: patienceMs }, async (t) => {
      const unique = `test-${randomUUID()}`
      await using store = await open(unique)
      const missing = needs.filter((method) => store[method] === undefined)
      if (missing.length > 0) return t.skip(`this store has no ${missing.join(' and no ')}`)
      await run(store, () => open(unique))
    })
  }

  describe(`${name} store`, () => {
    describe('put and get', () => putPromises(promise))
    describe('amend', () => amendPromises(promise))
    describe('erase', () => erasePromises(promise))
    describe('scan', () => scanPromises(promise))
    describe('dead letters', () => deadLetterPromises(promise))
  })
}

function putPromises(promise: Declare): void {
  promise('gives back a record as it was put', async (store) => {
    const record = accepted(1)
    assert.deepEqual(await put(store, [record]), ['stored'])
    const rawHash = hash('sha256', record.received.raw, 'hex')
    const { storedAt: _, ...stored } = (await one(store, record.key)) ?? {}
    assert.deepEqual(stored, { ...record, revision: 0, rawHash })
  })

  promise('says when a record was first written, however it is found', async (store, reopen) => {
    const cluster = 'a'.repeat(16)
    const letter = rejected(1, cluster, { product: 'P1', reviewId: 'R1' })
    const before = Date.now()
    await put(store, [letter, ...numbered(2, 2)])
    const after = Date.now()
    const storedAt = (await one(store, letter.key))?.storedAt ?? NaN
    assert.ok(before <= storedAt && storedAt <= after, `${before} <= ${storedAt} <= ${after}`)
    const half = reviewHalf('shop', '"R1"')
    const scans = [{ by: 'time' }, { by: 'product', product: 'P1' }, { by: 'cluster', cluster }] as const
    for (const scan of [...scans, { by: 'review', half } as const]) {
      const found = (await all(store, scan)).find(({ key }) => key === letter.key)
      assert.equal(found?.storedAt, storedAt, scan.by)
    }
    await later(storedAt)
    await using other = await reopen()
    assert.deepEqual(await put(other, [letter, accepted(4)]), ['unchanged', 'stored'])
    assert.equal(await store.amend(letter.key, 0, acceptedVerdict('R1', 'P2')), true)
    assert.equal((await one(other, letter.key))?.storedAt, storedAt)
    assert.ok(((await one(other, accepted(4).key))?.storedAt ?? NaN) > storedAt)
  })

  promise('says of an erased record that came again when it came again', async (store) => {
    const record = accepted(1)
    await put(store, [record])
    const storedAt = (await one(store, record.key))?.storedAt ?? NaN
    await store.erase([record.key])
    await later(storedAt)
    await put(store, [record])
    assert.ok(((await one(store, record.key))?.storedAt ?? NaN) > storedAt)
  })

  promise('gives back verdict, context and ledger, whatever is in them', async (store) => {
    const context = {
      source: 's',
      kind: 'webhook',
      carried: { 'a.b': [null, { $c: '\u0000\ud800' }], '': -1.5e300 },
    }
    const made: ReviewRecord = {
      ...rejected(1, 'c'.repeat(16), { product: 'P\u2028"\\' }),
      ledger: { run: 'run ü', seq: Number.MAX_SAFE_INTEGER },
    }
    const { ledger: _, ...record } = { ...made, received: { ...made.received, context } }
    const second = { ...made, key: accepted(2).key }
    await put(store, [record, second])
    assert.deepEqual((await one(store, record.key))?.received.context, context)
    assert.deepEqual((await one(store, record.key))?.verdict, record.verdict)
    assert.equal((await one(store, record.key))?.ledger, undefined)
    assert.deepEqual((await one(store, second.key))?.ledger, second.ledger)
  })

  promise('keeps that a review was removed and returned, and finds it', async (store) => {
    const [reviewId, product] = ['77', 'P1']
    const review = accepted(1, { reviewId, product })
    const removed = noted(2, 'removed', { reviewId, product })
    const returned = noted(3, 'returned', { reviewId, product })
    const nameless = noted(4, 'removed', { reviewId: '78' })
    assert.deepEqual(await put(store, [review, removed]), ['stored', 'stored'])
    assert.deepEqual(await put(store, [returned, nameless, removed]), ['stored', 'stored', 'unchanged'])
    for (const { key, verdict } of [removed, returned, nameless])
      assert.deepEqual((await one(store, key))?.verdict, verdict)
    const history = await all(store, { by: 'review', half: reviewHalf('shop', '"77"') })
    assert.deepEqual(
      history.map(({ verdict }) => verdict),
      [review, removed, returned].map(({ verdict }) => verdict),
    )
    const ofProduct = await all(store, { by: 'product', product })
    assert.deepEqual(keysOf(ofProduct).toSorted(), keysOf([review, removed, returned]).toSorted())
    const window = { from: removed.received.receivedAt, to: nameless.received.receivedAt + 1 }
    const inTime = await all(store, { by: 'time', ...window })
    assert.deepEqual(keysOf(inTime).toSorted(), keysOf([removed, returned, nameless]).toSorted())
  })

  promise('gives back hostile raw bytes exactly', async (store) => {
    let number = 0
    const handPicked = ['', '\0', '\ufeff{}', '{"a":"\\ud800"}', 'a\r\nb'].map((text) => Buffer.from(text))
    const raws = [...handPicked, Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x80, 0]), randomBytes(2 * 1024 * 1024)]
    for (const raw of raws) await keeps(raw)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3_000 }), (bytes) => keeps(Buffer.from(bytes))),
      { numRuns: 50 },
    )

    async function keeps(raw: Buffer): Promise<void> {
      const record = accepted(number++, { raw })
      await put(store, [record])
      const stored = await one(store, record.key)
      assert.ok(stored?.received.raw.equals(raw))
      assert.equal(stored?.rawHash, hash('sha256', raw, 'hex'))
    }
  })

  promise('keeps the first write of a key, and says so', async (store, reopen) => {
    const first = accepted(1)
    const second = { ...first, received: { ...first.received, raw: Buffer.from('another') } }
    assert.deepEqual(await put(store, [first]), ['stored'])
    assert.deepEqual(await put(store, [second, accepted(2)]), ['unchanged', 'stored'])
    await using other = await reopen()
    assert.deepEqual(await put(other, [second]), ['unchanged'])
    assert.ok((await one(store, first.key))?.received.raw.equals(first.received.raw))
  })

  promise('takes a key once within one call', async (store) => {
    const [first, second] = [accepted(1), accepted(2)]
    const repeated = { ...first, received: { ...first.received, raw: Buffer.from('another') } }
    assert.deepEqual(await put(store, [first, second, repeated]), ['stored', 'stored', 'unchanged'])
    assert.ok((await one(store, first.key))?.received.raw.equals(first.received.raw))
  })

  for (const count of [0, 1, 10_000]) {
    promise(`takes ${count.toLocaleString('en')} records at once, and again`, async (store) => {
      const records = numbered(count)
      assert.deepEqual(tally(await put(store, records)), count > 0 ? { stored: count } : {})
      assert.deepEqual(tally(await put(store, records)), count > 0 ? { unchanged: count } : {})
      assert.equal((await store.get(records.map(({ key }) => key))).size, count)
      assert.equal((await all(store, { by: 'time' })).length, count)
    })
  }

  promise('stores each record once when the same ones are put at the same time', async (store, reopen) => {
    await using other = await reopen()
    const calls = Array.from({ length: 8 }, (_, n) => put(n % 2 ? store : other, numbered(300, n * 150)))
    const outcomes = (await Promise.all(calls)).flat()
    assert.deepEqual(tally(outcomes), { stored: 1_350, unchanged: 1_050 })
    assert.equal((await all(store, { by: 'time' })).length, 1_350)
  })

  promise('knows nothing of what was not put, which is no error', async (store) => {
    const [there, missing] = [accepted(1), accepted(2)]
    await put(store, [there])
    assert.deepEqual([...(await store.get([missing.key, there.key, 'no key'])).keys()], [there.key])
    assert.equal((await store.get([])).size, 0)
  })

  promise('has everything after it was closed and opened again', async (store, reopen) => {
    const records = [...numbered(700), rejected(700, 'a'.repeat(16))]
    await put(store, records.slice(0, 600))
    for (const record of records.slice(600)) await put(store, [record])
    await store[Symbol.asyncDispose]()
    await using again = await reopen()
    const keys = records.map(({ key }) => key)
    assert.equal((await again.get(keys)).size, records.length)
    assert.deepEqual(keysOf(await all(again, { by: 'time' })).toSorted(), keys.toSorted())
  })

  promise('can be closed twice', async (store) => {
    await put(store, [accepted(1)])
    await Promise.all([store[Symbol.asyncDispose](), store[Symbol.asyncDispose]()])
  })
}

function amendPromises(promise: Declare): void {
  promise('replaces a verdict and nothing else', async (store) => {
    const record = accepted(1)
    await put(store, [record])
    const before = await one(store, record.key)
    const verdict = rejectedVerdict('b'.repeat(16), 'P9')
    assert.equal(await store.amend(record.key, 0, verdict), true)
    assert.deepEqual(await one(store, record.key), { ...before, verdict, revision: 1 })
    assert.deepEqual(await all(store, { by: 'time' }), [{ ...before, verdict, revision: 1 }])
  })

  promise('replaces the verdict that a review was removed, and the product with it', async (store) => {
    const record = noted(1, 'removed', { product: 'P1' })
    await put(store, [record])
    const { verdict } = noted(1, 'removed', { product: 'P2' })
    assert.equal(await store.amend(record.key, 0, verdict), true)
    const stored = await one(store, record.key)
    assert.deepEqual([stored?.verdict, stored?.revision], [verdict, 1])
    assert.deepEqual(await all(store, { by: 'product', product: 'P1' }), [])
    assert.deepEqual(keysOf(await all(store, { by: 'product', product: 'P2' })), [record.key])
  })

  promise('needs the present revision', async (store) => {
    const record = accepted(1)
    await put(store, [record])
    const verdict = acceptedVerdict('R1', 'P2')
    assert.equal(await store.amend(record.key, 1, verdict), false)
    assert.equal(await store.amend(record.key, 0, verdict), true)
    assert.equal(await store.amend(record.key, 0, verdict), false)
    assert.equal(await store.amend(accepted(2).key, 0, verdict), false)
    assert.equal((await one(store, record.key))?.revision, 1)
  })

  promise('lets one of 20 amendments at the same time win', async (store, reopen) => {
    const record = accepted(1)
    await put(store, [record])
    await using other = await reopen()
    const calls = Array.from({ length: 20 }, (_, n) =>
      (n % 2 ? store : other).amend(record.key, 0, acceptedVerdict('R1', `Q${n}`)),
    )
    const won = (await Promise.all(calls)).flatMap((isWon, n) => (isWon ? [`Q${n}`] : []))
    assert.equal(won.length, 1)
    const found = await all(store, { by: 'product', product: won[0] ?? '' })
    assert.deepEqual(keysOf(found), [record.key])
  })

  promise('moves a record to its new cluster and product', async (store) => {
    const [from, to] = ['a'.repeat(16), 'b'.repeat(16)]
    const record = rejected(1, from, { product: 'P1' })
    await put(store, [record, rejected(2, from, { product: 'P1' })])
    await store.amend(record.key, 0, rejectedVerdict(to, 'P2'))
    assert.equal((await all(store, { by: 'cluster', cluster: from })).length, 1)
    assert.deepEqual(keysOf(await all(store, { by: 'cluster', cluster: to })), [record.key])
    assert.equal((await all(store, { by: 'product', product: 'P1' })).length, 1)
    assert.deepEqual(keysOf(await all(store, { by: 'product', product: 'P2' })), [record.key])
  })

  promise('lets a repaired dead letter be found by its product', async (store) => {
    const cluster = 'a'.repeat(16)
    const record = rejected(1, cluster)
    await put(store, [record, ...numbered(3, 2)])
    await store.amend(record.key, 0, acceptedVerdict('R1', 'repaired'))
    assert.deepEqual(keysOf(await all(store, { by: 'product', product: 'repaired' })), [record.key])
    assert.deepEqual(await all(store, { by: 'cluster', cluster }), [])
  })
}

function erasePromises(promise: Declare): void {
  promise('removes every trace of a record and leaves its neighbours', async (store) => {
    const dead = rejected(3, 'a'.repeat(16), { product: 'P3', reviewId: 'R3' })
    const records = [...numbered(3), dead, ...numbered(600, 4)]
    await put(store, records.slice(0, 10))
    await put(store, records.slice(10))
    await store.amend(dead.key, 0, rejectedVerdict('b'.repeat(16), 'P4'))
    const gone = [records[1], dead, records[200], records[201]].flatMap((record) => record?.key ?? [])
    await store.erase(gone)
    assert.equal((await store.get(gone)).size, 0)
    const left = keysOf(records).filter((key) => !gone.includes(key))
    assert.deepEqual(keysOf(await all(store, { by: 'time' })).toSorted(), left.toSorted())
    assert.deepEqual(await all(store, { by: 'review', half: reviewHalf('shop', '"R3"') }), [])
    assert.deepEqual(await all(store, { by: 'cluster', cluster: 'b'.repeat(16) }), [])
    for (let p = 0; p < 7; p++) {
      for (const { key } of await all(store, { by: 'product', product: `P${p}` }))
        assert.ok(!gone.includes(key))
    }
  })

  promise('is safe to repeat, and at the same time', async (store, reopen) => {
    const records = numbered(400)
    await put(store, records)
    await using other = await reopen()
    const gone = keysOf(records.slice(50, 60))
    await Promise.all([store.erase(gone), other.erase(gone), store.erase(keysOf(records.slice(55, 70)))])
    await store.erase([...gone, accepted(9_999).key, 'no key'])
    await store.erase([])
    assert.equal((await all(store, { by: 'time' })).length, 380)
  })

  promise('lets an erased record be put again, as new', async (store) => {
    const record = accepted(1)
    await put(store, [record])
    await store.amend(record.key, 0, acceptedVerdict('R1', 'P5'))
    await store.erase([record.key])
    assert.deepEqual(await put(store, [record]), ['stored'])
    assert.equal((await one(store, record.key))?.revision, 0)
    assert.deepEqual(await all(store, { by: 'product', product: 'P5' }), [])
    assert.equal((await all(store, { by: 'time', from: START })).length, 1)
  })
}

/** Resolves once the clock has gone on. */
async function later(than: number): Promise<void> {
  while (Date.now() <= than) await nextTurn()
}

function tally(outcomes: readonly unknown[]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(Object.groupBy(outcomes, String)).map(([outcome, group]) => [outcome, group?.length ?? 0]),
  )
}
