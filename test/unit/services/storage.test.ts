import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { recordOf } from '../../../src/arrival.ts'
import { HeadwaterError, TransientError } from '../../../src/errors.ts'
import { correctionKey, halfOf } from '../../../src/review/key.ts'
import type { Arrival, ReviewRecord } from '../../../src/review/record.ts'
import { findableBy, type Verdict } from '../../../src/review/verdict.ts'
import { countsOf } from '../../../src/services/ledger.ts'
import { eraseReviews } from '../../../src/services/erasing.ts'
import { openSuppression } from '../../../src/services/suppression.ts'
import type { Store, Stored } from '../../../src/stores/store.ts'
import { accepted, acceptedVerdict, numbered, put, rejectedVerdict } from '../../support/records.ts'
import { messageOf, openPlace, storeAll, suppressionOf } from '../../support/services.ts'
import { all, one } from '../../support/store-reads.ts'
import { temporaryFolder } from '../../support/temp.ts'

describe('the storage service', () => {
  test('keeps a message that is no event as a dead letter whose raw is the message, and what is around it', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const [good] = numbered(1)
    assert.ok(good)
    const altered = Buffer.from(messageOf(good).body)
    altered.write('X', altered.indexOf('"fits') + 1)
    const ofNobody = Buffer.from(messageOf(good).body)
    ofNobody.write('\\ud800', ofNobody.indexOf('headwater:') + 'headwater:'.length)
    const unquoted = Buffer.from(
      messageOf({ ...good, received: { ...good.received, raw: Buffer.from('no JSON') } }).body,
    )
    unquoted.write('"', unquoted.indexOf('no JSON'))
    const changed = (part: RegExp, into: string): Buffer => {
      const text = messageOf(good).body.toString()
      assert.match(text, part)
      return Buffer.from(text.replace(part, into))
    }
    const strange = [
      Buffer.from('{"hello":"world"}'),
      Buffer.from([0xff, 0, 1]),
      Buffer.from('{"specversion":"1.0","rawlength":2,"data":{"a":{}}}'),
      altered,
      ofNobody,
      unquoted,
      changed(/"verdict":\{[^}]*\}/, '"verdict":{}'),
      changed(/"verdict":\{/, '"verdict":{"repairs":[null],'),
      changed(/"review":\{[^}]*\}/, '"review":null'),
      changed(/"time":"\d{4}/, '"time":"2300'),
      changed(/"time":"\d{4}/, '"time":"1900'),
    ]
    await place.queue.publish([...strange.map((body) => ({ key: 'k', body })), messageOf(good)])
    await storeAll(place)

    const rows = await all(place.store, { by: 'time' })
    assert.equal(rows.length, strange.length + 1)
    for (const body of strange) {
      const row = rows.find(({ received }) => received.raw.equals(body))
      assert.ok(row?.verdict.status === 'rejected', body.toString())
      assert.equal(row.verdict.code, 'unreadable')
      assert.equal(row.received.origin, 'raw-reviews')
    }
    assert.deepEqual((await one(place.store, good.key))?.received.raw, good.received.raw)
  })

  test('keeps an event whose review is damaged as a dead letter, and what is around it, where the store reads reviews', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const [first, good] = numbered(2)
    assert.ok(first && good)
    const damaged = Buffer.from(messageOf(first).body)
    damaged.write(' ', damaged.indexOf('"review_id":'))
    const ofNoProduct = Buffer.from(
      messageOf(first)
        .body.toString()
        .replace(/"product_id":"[^"]*"/, '"product_id":7'),
    )
    await place.queue.publish([
      ...[damaged, ofNoProduct].map((body) => ({ key: 'k', body })),
      messageOf(good),
    ])
    const store = (inner: Store): Store => ({
      ...inner,
      put(some, options) {
        some.forEach(recordOf)
        return inner.put(some, options)
      },
    })
    await storeAll(place, { store })

    const rows = await all(place.store, { by: 'time' })
    for (const body of [damaged, ofNoProduct]) {
      const row = rows.find(({ received }) => received.raw.equals(body))
      assert.equal(row?.verdict.status === 'rejected' && row.verdict.code, 'unreadable')
    }
    assert.deepEqual((await one(place.store, good.key))?.verdict, good.verdict)
    assert.equal(rows.length, 3)
  })

  test('keeps a review that the store refuses as a dead letter, which it is counted as, also where newer rules bring it again', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const [record] = numbered(1)
    assert.ok(record)
    const refusal = { code: 'too_large', message: 'more than a row holds' }
    const store = (inner: Store): Store => ({
      ...inner,
      async put(some, options) {
        const fit = some.filter(({ status }) => status !== 'accepted')
        const outcomes = new Map((await inner.put(fit, options)).map((outcome, n) => [fit[n], outcome]))
        return some.map((arrival) => outcomes.get(arrival) ?? refusal)
      },
      amend(key, revision, verdict, options) {
        if (verdict.status === 'accepted') throw new HeadwaterError('STORE_REFUSED', refusal.message)
        return inner.amend(key, revision, verdict, options)
      },
    })
    const again = { ...record, verdict: newer(acceptedVerdict('R1', 'P1')), ledger: { run: 'run-2', seq: 0 } }
    await place.queue.publish([messageOf(record)])
    await storeAll(place, { store })
    await place.queue.publish([messageOf(again)])
    await storeAll(place, { store })

    const row = await one(place.store, record.key)
    assert.equal(row?.verdict.status === 'rejected' && row.verdict.code, 'too_large')
    assert.deepEqual(row?.received.raw, record.received.raw)
    assert.deepEqual(await countsOf(place.registry, 'run-1'), { stored: 0, rejected: 1, unchanged: 0 })
    assert.deepEqual(await countsOf(place.registry, 'run-2'), { stored: 0, rejected: 0, unchanged: 1 })
  })

  test('stores nothing of a review that was erased while its message waited', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const records = numbered(3)
    await place.queue.publish(records.map(messageOf))
    await storeAll(place, {
      suppression: suppressionOf((key) => key === records[1]?.key),
    })

    const rows = await all(place.store, { by: 'time' })
    assert.deepEqual(
      rows.map(({ key }) => key),
      [records[0]?.key, records[2]?.key],
    )
    assert.deepEqual(await countsOf(place.registry, 'run-1'), { stored: 2, rejected: 0, unchanged: 1 })
  })

  test('keeps nothing of a review whose erasure did not wait for the write of it, and was not heard of meanwhile', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const [erased, other] = numbered(2)
    assert.ok(erased && other)
    await place.queue.publish([messageOf(erased), messageOf(other)])
    let isAway = false
    const registry = {
      ...place.registry,
      list(...asked: Parameters<typeof place.registry.list>) {
        if (isAway) throw new TransientError('STORE_UNAVAILABLE', 'the registry is away')
        return place.registry.list(...asked)
      },
    }
    await using suppression = await openSuppression(registry, () => {})
    const store = (inner: Store): Store => ({
      ...inner,
      async put(some, options) {
        isAway = true
        await eraseReviews([halfOf(erased.key)], place, new AbortController().signal)
        isAway = false
        return inner.put(some, options)
      },
    })
    await storeAll(place, { store, suppression })

    const rows = await all(place.store, { by: 'time' })
    assert.deepEqual(
      rows.map(({ key }) => key),
      [other.key],
    )
    assert.deepEqual(await countsOf(place.registry, 'run-1'), { stored: 1, rejected: 0, unchanged: 1 })
  })

  for (const failure of [undefined, new TransientError('STORE_UNAVAILABLE', 'the answer was lost')]) {
    const how = failure ? 'by an attempt that failed then' : 'late'
    test(`keeps nothing of an erased review that was written ${how}, also where a faulty item had its key`, async () => {
      await using folder = await temporaryFolder()
      await using place = await openPlace(folder.path)
      const [other] = numbered(1)
      const faulty = { ...accepted(1), verdict: rejectedVerdict('c1', 'P1') }
      const corrected = accepted(1, { raw: Buffer.from('{"votes":1}') })
      assert.ok(other)
      await put(place.store, [faulty])
      await place.queue.publish([other, corrected].map(messageOf))
      let isErased = false
      const store = (inner: Store): Store => ({
        ...inner,
        async put(some, options) {
          const outcomes = await inner.put(some, options)
          if (isErased || !some.some(({ key }) => key === correctionKey(faulty.key))) return outcomes
          isErased = true
          await inner.erase([faulty.key])
          if (failure) throw failure
          return outcomes
        },
      })
      const has = (key: string): boolean => isErased && halfOf(key) === halfOf(faulty.key)
      await storeAll(place, { store, suppression: suppressionOf(has) })

      const rows = await all(place.store, { by: 'time' })
      assert.deepEqual(
        rows.map(({ key }) => key),
        [other.key],
      )
      assert.deepEqual(await countsOf(place.registry, 'run-1'), { stored: 1, rejected: 0, unchanged: 1 })
    })
  }

  test('convicts the message that fails while its neighbours are stored, after five rounds', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const records = numbered(20)
    const culprit = records[7]
    assert.ok(culprit)
    await place.queue.publish(records.map(messageOf))
    let failures = 0
    const store = (inner: Store): Store => ({
      ...inner,
      async put(some, options) {
        if (some.some((record) => isCulprit(record, culprit))) {
          if (some.length === 1) failures++
          throw new TypeError('cannot read a property of undefined')
        }
        return inner.put(some, options)
      },
    })
    await storeAll(place, { store })

    assert.equal(failures, 5)
    const rows = await all(place.store, { by: 'time' })
    assert.equal(rows.length, records.length)
    const convicted = rows.filter(({ verdict }) => verdict.status === 'rejected')
    assert.deepEqual(
      convicted.map(({ key, verdict }) => [key, verdict.status === 'rejected' && verdict.code]),
      [[culprit.key, 'poison']],
    )
    assert.deepEqual(convicted[0]?.received.raw, culprit.received.raw)
    assert.deepEqual(await countsOf(place.registry, 'run-1'), { stored: 19, rejected: 1, unchanged: 0 })
  })

  test('keeps a correct item whose key a faulty one has as one record of its own, and no second one of the next sighting', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const faulty = { ...accepted(1), verdict: rejectedVerdict('c1', 'P1') }
    await put(place.store, [faulty])
    const sighting = (seq: number, raw: string) => ({
      ...accepted(1, { raw: Buffer.from(raw) }),
      ledger: { run: 'run-2', seq },
    })
    const asBefore = { ...accepted(1), ledger: { run: 'run-2', seq: 3 } }
    const corrected = [
      sighting(0, '{"votes":1}'),
      sighting(1, '{"votes":1}'),
      sighting(2, '{"votes":2}'),
      asBefore,
    ]
    for (const record of corrected) {
      await place.queue.publish([messageOf(record)])
      await storeAll(place)
    }
    const found = await all(place.store, { by: 'review', half: halfOf(faulty.key) })
    assert.deepEqual(
      new Map(found.map(({ received: { raw }, verdict: { status } }) => [raw.toString(), status])),
      new Map([
        [faulty.received.raw.toString(), 'rejected'],
        ['{"votes":1}', 'accepted'],
      ]),
    )
    assert.equal(found.length, 2)
    assert.deepEqual(await countsOf(place.registry, 'run-2'), { stored: 1, rejected: 0, unchanged: 3 })
  })

  test('replaces a verdict by one of newer rules, and keeps one that a person repaired', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const old = { ...accepted(1), verdict: rejectedVerdict('c1', 'P1') }
    const repaired = { ...accepted(2), verdict: byHand(acceptedVerdict('R2', 'MENDED')) }
    const newest = { ...accepted(3), verdict: newer(acceptedVerdict('R3', 'NEWEST')) }
    await put(place.store, [old, repaired, newest])

    const again = [
      { ...accepted(1), verdict: newer(acceptedVerdict('R1', 'NEW')) },
      { ...accepted(2), verdict: newer(rejectedVerdict('c2', 'P2')) },
      { ...accepted(3), verdict: rejectedVerdict('c3', 'P3') },
    ].map((record, seq) => ({ ...record, ledger: { run: 'run-2', seq } }))
    await place.queue.publish(again.map(messageOf))
    await storeAll(place)

    const productOf = (row: Stored | undefined): unknown =>
      row?.verdict.status === 'rejected' ? row.verdict.code : row && findableBy(row.verdict).product
    const rows = await place.store.get(again.map(({ key }) => key))
    assert.deepEqual(
      again.map(({ key }) => [productOf(rows.get(key)), rows.get(key)?.revision]),
      [
        ['NEW', 1],
        ['MENDED', 0],
        ['NEWEST', 0],
      ],
    )
    const found = await all(place.store, { by: 'product', product: 'NEW' })
    assert.deepEqual(
      found.map(({ key }) => key),
      [old.key],
    )
    assert.deepEqual(await countsOf(place.registry, 'run-2'), { stored: 0, rejected: 0, unchanged: 3 })
  })
})

const isCulprit = ({ key, status }: Arrival, culprit: ReviewRecord): boolean =>
  key === culprit.key && status === 'accepted'

const newer = <V extends Verdict>(verdict: V): V => ({
  ...verdict,
  by: { preset: 'plain@2', schema: 'review@1' },
})

const byHand = <V extends Verdict>(verdict: V): V => ({
  ...verdict,
  by: { ...verdict.by, patch: [{ op: 'replace', path: '/product_id', value: 'MENDED' }] },
})
