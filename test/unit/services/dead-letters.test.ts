import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HeadwaterError } from '../../../src/errors.ts'
import { loadPreset } from '../../../src/presets/index.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import { newRejected } from '../../../src/review/compare.ts'
import { interpret, judge } from '../../../src/review/interpret.ts'
import { type Redrive, type Redriven, redrive, redriveAll } from '../../../src/services/dead-letters.ts'
import type { ReviewRecord } from '../../../src/review/record.ts'
import { eraseReviews } from '../../../src/services/erasing.ts'
import { halfOf } from '../../../src/review/key.ts'
import type { Verdict } from '../../../src/review/verdict.ts'
import type { Store } from '../../../src/stores/store.ts'
import { review } from '../../support/reviews.ts'
import { put } from '../../support/records.ts'
import { openPlace, type Place } from '../../support/services.ts'
import { one } from '../../support/store-reads.ts'
import { temporaryFolder } from '../../support/temp.ts'

const rules = compileRules(await loadPreset('canonical'))

/** A good review, but one that a queue of 64 KiB can't take. */
const received = {
  origin: 'shop',
  receivedAt: Date.UTC(2026, 0, 1),
  raw: Buffer.from(review('LARGE', { note: 'x'.repeat(100_000) })),
  context: { source: 'shop', kind: 'file' },
}

/** A good review that is a dead letter all the same, since it could not be stored. */
function letterOf(id: string): ReviewRecord {
  const record = judge({ ...received, raw: Buffer.from(review(id)) }, rules)
  return { ...record, verdict: newRejected(record, 'poison', 'could not be stored') }
}

const signal = new AbortController().signal

const optionsIn = ({ store, registry, queue }: Place): Redrive => ({
  store,
  registry,
  reviews: queue,
  rules: async () => rules,
  number: () => ({ run: 'redrive', seq: 0 }),
  signal,
})

const redriveIn = (place: Place, key: string, mended?: Record<string, unknown>): Promise<Redriven> =>
  redrive(key, optionsIn(place), mended)

describe('redriving', () => {
  test('leaves a dead letter what it is where the queue will not take it, and publishes it once it does', async () => {
    await using folder = await temporaryFolder()
    const record = judge(received, rules)
    {
      await using small = await openPlace(folder.path, '64KiB')
      await put(small.store, [{ ...record, verdict: newRejected(record, 'message_too_large', 'too large') }])
      for (let time = 0; time < 2; time++) {
        const { status, verdict } = await redriveIn(small, record.key)
        assert.deepEqual([status, verdict.status], ['rejected', 'rejected'])
        const row = await one(small.store, record.key)
        assert.ok(row?.verdict.status === 'rejected')
        assert.equal(row.verdict.code, 'message_too_large')
        assert.equal(row.verdict.unpublished, undefined)
      }
      assert.equal(await small.queue.backlog?.('storage'), 0)
    }
    await using large = await openPlace(folder.path)
    assert.equal((await redriveIn(large, record.key)).status, 'published')
    assert.equal((await one(large.store, record.key))?.verdict.status, 'accepted')
    assert.equal(await large.queue.backlog?.('storage'), 1)
  })

  test('ended with its cluster at a letter whose new verdict the store can not hold: that one stays, and says why', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const letters = ['WIDE', 'FITS'].map(letterOf)
    await put(place.store, letters)
    const [wide, fits] = letters.map(({ key }) => key) as [string, string]
    const { store } = place
    const narrow: Store = {
      ...store,
      async amend(key, revision, verdict, options) {
        if (key === wide) throw new HeadwaterError('STORE_REFUSED', 'more than a row holds')
        return store.amend(key, revision, verdict, options)
      },
    }
    const options = { ...optionsIn(place), store: narrow }
    const found = [...(await store.get([wide, fits])).values()]
    const redriven = new Map((await redriveAll(found, options)).map((each) => [each.key, each]))
    assert.equal(redriven.get(fits)?.status, 'published')
    for (const said of [redriven.get(wide), await redrive(wide, options)]) {
      assert.ok(said?.verdict.status === 'rejected')
      assert.deepEqual(
        [said.status, said.verdict.code, said.verdict.errors[0]?.message],
        ['rejected', 'too_large', 'more than a row holds'],
      )
    }
    const row = await one(store, wide)
    assert.deepEqual([row?.revision, row?.verdict], [0, letters[0]?.verdict])
    assert.equal(await place.queue.backlog?.('storage'), 1)
  })

  test('publishes nothing of a review that is being erased, be it marked already or not: consumers were sent it', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const letters = ['GONE', 'STAYS'].map(letterOf)
    await put(place.store, letters)
    const [gone, stays] = letters.map(({ key }) => key) as [string, string]
    const erasing = eraseReviews([halfOf(gone)], place, signal)
    while ((await Array.fromAsync(place.registry.list('suppressed/'))).length === 0)
      await new Promise(setImmediate)
    await assert.rejects(redriveIn(place, gone), /NOT_FOUND|erased for good/)
    const rows = [...(await place.store.get([gone, stays])).values()]
    assert.deepEqual(
      (await redriveAll(rows, optionsIn(place))).map(({ key, status }) => [key, status]),
      [[stays, 'published']],
    )
    const marked = rows.filter(({ key }) => key === gone).map((row) => ({ ...row, verdict: owed(row) }))
    assert.deepEqual(await redriveAll(marked, optionsIn(place)), [])
    assert.equal(await place.queue.backlog?.('storage'), 1)
    assert.deepEqual(await erasing, [gone])
  })

  test('that goes on where another one ended says that it published: it said that nothing was to be done', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const letters = ['A', 'B'].map((id) => judge({ ...received, raw: Buffer.from(review(id)) }, rules))
    await put(place.store, letters)
    for (const letter of letters) await place.store.amend(letter.key, 0, owed(letter))
    const [first, second] = letters.map(({ key }) => key) as [string, string]
    assert.equal((await redriveIn(place, first)).status, 'published')
    const rows = [...(await place.store.get([first, second])).values()]
    const redriven = await redriveAll(rows, optionsIn(place))
    assert.deepEqual(Object.fromEntries(redriven.map(({ key, status }) => [key, status])), {
      [first]: 'accepted',
      [second]: 'published',
    })
    assert.equal(await place.queue.backlog?.('storage'), 2)
  })

  test('mends by hand what has a list of 100,000 entries and 10,000 levels: comparing them overflowed the stack', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const good = JSON.parse(review('R1')) as Record<string, unknown>
    const deep = '['.repeat(10_000) + ']'.repeat(10_000)
    const images = JSON.stringify(Array.from({ length: 100_000 }, (_, n) => n))
    const raw = Buffer.from(review('R1').replace('{', `{"images":${images},"title":${deep},`))
    const record = judge({ ...received, raw }, rules)
    await put(place.store, [record])
    const mended = { ...good, images: ['a', 'b'] }
    const { status, verdict } = await redriveIn(place, record.key, mended)
    assert.equal(status, 'published')
    const patch = verdict.by.patch?.toSorted((a, b) => a.path.localeCompare(b.path))
    assert.deepEqual(patch, [
      { op: 'replace', path: '/images', value: ['a', 'b'] },
      { op: 'remove', path: '/title' },
    ])
    assert.ok(verdict.status === 'accepted')
    assert.deepEqual(verdict.review, mended)
  })
})

/** As a redrive leaves it that ended before it had published. */
const owed = (row: Parameters<typeof interpret>[0]): Verdict => ({
  ...interpret(row, rules),
  unpublished: true,
})
