import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HeadwaterError } from '../../../src/errors.ts'
import { halfOf } from '../../../src/review/key.ts'
import type { Rejected } from '../../../src/review/verdict.ts'
import { eraseRecords, eraseReviews, finishErasures } from '../../../src/services/erasing.ts'
import { suppress } from '../../../src/services/suppression.ts'
import { accepted, acceptedVerdict, numbered, put, rejected } from '../../support/records.ts'
import { openPlace, type Place } from '../../support/services.ts'
import { all, keysOf } from '../../support/store-reads.ts'
import { temporaryFolder } from '../../support/temp.ts'

const signal = new AbortController().signal
const discarded = { reason: 'a test', at: '2026-01-01T00:00:00.000Z' }

async function withPlace(work: (place: Place) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder()
  await using place = await openPlace(folder.path)
  await work(place)
}

/** As if the process ended once the store has erased so many of the keys. */
const cutOff = ({ store, registry }: Place, behind: number) => ({
  store: {
    ...store,
    async erase(keys: readonly string[]): Promise<void> {
      await store.erase(keys.slice(0, behind))
      throw new Error('cut off')
    },
  },
  registry,
})

/** The keys of each entry that says what is being erased. */
async function beingErased({ registry }: Pick<Place, 'registry'>): Promise<readonly (readonly string[])[]> {
  const entries = await Array.fromAsync(registry.list('erasing/'))
  return entries.map(({ value }) => value.toString().split(' '))
}

const left = async ({ store }: Place): Promise<readonly string[]> => keysOf(await all(store, { by: 'time' }))

describe('an erasure', () => {
  test('that was cut off behind the rows is finished by the next: nothing led to what lay beside them', async () => {
    await withPlace(async (place) => {
      const records = numbered(3)
      const keys = keysOf(records)
      await put(place.store, records)
      await assert.rejects(eraseRecords(keys, cutOff(place, 3), signal), /cut off/)
      assert.deepEqual(await left(place), [])
      assert.deepEqual(await beingErased(place), [keys])
      const asked: (readonly string[])[] = []
      const store = { ...place.store, erase: async (some: readonly string[]) => void asked.push(some) }
      await finishErasures({ ...place, store }, signal)
      assert.deepEqual(asked.flat(), keys)
      assert.deepEqual(await beingErased(place), [])
    })
  })

  test('says of its keys some hundreds an entry, while they are erased and no longer', async () => {
    await withPlace(async (place) => {
      const keys = keysOf(numbered(1_001))
      const during: number[][] = []
      async function erase(some: readonly string[]): Promise<void> {
        during.push([some.length, ...(await beingErased(place)).map(({ length }) => length)])
      }
      await eraseRecords(keys, { ...place, store: { ...place.store, erase } }, signal)
      assert.deepEqual(during, [
        [500, 500],
        [500, 500],
        [1, 1],
      ])
      assert.deepEqual(await beingErased(place), [])
    })
  })

  test('that is finished later leaves alone what was redriven or came again since, unless its review was erased', async () => {
    await withPlace(async (place) => {
      const letters = [1, 2, 3].map((n) => rejected(n, 'c1'))
      const [waiting, redriven, again] = keysOf(letters)
      assert.ok(waiting && redriven && again)
      const erased = accepted(4)
      await put(place.store, [...letters, erased])
      await suppress([halfOf(erased.key)], place.registry)
      for (const { key, verdict } of letters)
        assert.ok(await place.store.amend(key, 0, { ...(verdict as Rejected), discarded }))
      const keys = [...keysOf(letters), erased.key]
      await assert.rejects(eraseRecords(keys, cutOff(place, 0), signal), /cut off/)
      assert.ok(await place.store.amend(redriven, 1, acceptedVerdict('R2', 'P2')))
      await place.store.erase([again])
      await put(place.store, letters.slice(2))
      await finishErasures(place, signal)
      assert.deepEqual(await left(place), [redriven, again])
      assert.deepEqual(await beingErased(place), [])
    })
  })

  test('that can not be finished kept all later ones from it: it is told when the others are done', async () => {
    await withPlace(async (place) => {
      const [damaged, ...others] = numbered(4)
      assert.ok(damaged)
      await put(place.store, others)
      for (const { key } of [damaged, ...others.slice(0, 2)])
        await assert.rejects(eraseRecords([key], cutOff(place, 0), signal), /cut off/)
      await suppress(keysOf(others).map(halfOf), place.registry)
      const store: Place['store'] = {
        ...place.store,
        async get(keys, options) {
          if (keys.includes(damaged.key)) throw new HeadwaterError('DATA_CORRUPT', 'a block')
          return place.store.get(keys, options)
        },
      }
      const last = halfOf(keysOf(others)[2] ?? '')
      await assert.rejects(eraseReviews([last], { ...place, store }, signal), { code: 'DATA_CORRUPT' })
      assert.deepEqual(await left(place), [])
      assert.deepEqual(await beingErased(place), [[damaged.key]])
    })
  })

  test('at the same time as another of the same does it no harm', async () => {
    await withPlace(async (place) => {
      const records = numbered(20)
      await put(place.store, records)
      const keys = keysOf(records.slice(0, 15))
      await Promise.all([1, 2, 3].map(() => eraseRecords(keys, place, signal)))
      assert.deepEqual(await left(place), keysOf(records.slice(15)))
      assert.deepEqual(await beingErased(place), [])
    })
  })
})
