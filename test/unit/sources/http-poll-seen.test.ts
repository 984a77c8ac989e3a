import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PresetInput } from '../../../src/presets/preset.ts'
import { createRepair } from '../../../src/review/repair.ts'
import { createPlace, type Place } from './http-poll-harness.ts'
import {
  idsUpTo,
  judged,
  knowledgeOf,
  known,
  openShop,
  readUntil,
  reviewOf,
  settingsFor,
} from './http-poll-shop.ts'

const ALL = idsUpTo(21)
const END = [...ALL, 'END']
const LAST = 'REND accepted'

/** Counts what is not handed over again. */
function counting() {
  const counted = { repeated: 0 }
  return { counted, repeated: (items: number) => void (counted.repeated += items) }
}

/** A look that shows these items on one page. */
const showing =
  (...reviews: readonly object[]) =>
  () => ({ body: { reviews } })
const settingsOfOne = (shop: { readonly url: string }) => ({ ...settingsFor(shop), paging: { kind: 'none' } })

describe('what was handed over before', () => {
  async function afterRestart(more: Partial<PresetInput> = {}) {
    const place = createPlace()
    await using shop = await openShop(ALL, END)
    {
      await using poll = await place.open(settingsFor(shop), known)
      await poll.take(3)
    }
    const { counted, repeated } = counting()
    await using poll = await place.open(settingsFor(shop), { ...knowledgeOf(more).context, repeated })
    return { words: await readUntil(poll, LAST), ...counted }
  }

  test('is not again after a restart, and is counted', async () => {
    assert.deepEqual(await afterRestart(), { words: [LAST], repeated: 21 })
  })

  test('is again once its preset judges by newer rules', async () => {
    const { words, repeated } = await afterRestart({ version: 2 })
    assert.equal(words.length, 22)
    assert.equal(repeated, 0)
  })

  test('is again once its source keeps a repair, without a restart', async () => {
    const place = createPlace()
    const { context, keep } = knowledgeOf()
    const [faulty, good] = [reviewOf(1, { stars: '4.0 out of 5 stars' }), reviewOf(2)]
    await using shop = await openShop(showing(faulty, good))
    await using poll = await place.open(settingsOfOne(shop), context)
    const first = await poll.next()
    await first.ack()
    const mends = { pointer: '/rating', keyword: 'type' }
    keep(createRepair(mends, [{ parse: 'rating', as: 'stars' }]))
    const second = await poll.next()
    await second.ack()
    assert.deepEqual(
      second.items.map(({ raw }) => raw.toString()),
      first.items.map(({ raw }) => raw.toString()),
    )
  })

  test('is again after a restart where it was not acknowledged', async () => {
    const place = createPlace()
    await using shop = await openShop(ALL, END)
    {
      await using poll = await place.open(settingsFor(shop), known)
      await poll.take(1)
      for (let n = 0; n < 2; n++) await poll.next()
    }
    await using poll = await place.open(settingsFor(shop), known)
    const words = await readUntil(poll, LAST)
    const rest = ALL.slice(10).map((id) => `R${id} accepted`)
    assert.deepEqual(words, [...rest, LAST])
  })

  test('is again where its author has edited it, and not where only votes came', async () => {
    const edited = [reviewOf(1, { votes: 8 }), reviewOf(2, { text: 'It broke.' }), reviewOf('END')]
    await using shop = await openShop(showing(reviewOf(1, { votes: 7 }), reviewOf(2)), showing(...edited))
    const { counted, repeated } = counting()
    await using poll = await createPlace().open(settingsOfOne(shop), { ...known, repeated })
    const [before] = await poll.take(1)
    const [after] = await poll.take(1)
    assert.deepEqual(
      before,
      [reviewOf(1, { votes: 7 }), reviewOf(2)].map((one) => JSON.stringify(one)),
    )
    assert.deepEqual(
      after,
      edited.slice(1).map((one) => JSON.stringify(one)),
    )
    assert.equal(counted.repeated, 1)
  })

  test('is again where it was more than can be remembered, under the same keys', async () => {
    const place = createPlace()
    const many = idsUpTo(2_500)
    const page = many.map((id) => reviewOf(id))
    await using shop = await openShop(showing(...page), showing(...page), showing(...page, reviewOf('END')))
    const { counted, repeated } = counting()
    await using poll = await place.open(settingsOfOne(shop), { ...known, repeated })
    const keys = new Set<string>()
    let received = 0
    let isOver = false
    while (!isOver) {
      const batch = await poll.next()
      received += batch.items.length
      for (const item of batch.items) keys.add(judged(item).key)
      isOver = batch.items.some(({ raw }) => raw.includes('"REND"'))
      await batch.ack()
    }
    assert.equal(keys.size, 2_501)
    assert.equal(received + counted.repeated, 3 * 2_500 + 1)
    assert.equal(counted.repeated, 2 * 2_000)
    assert.equal(await seenBytes(place), 2_000 * 8)
  })

  async function seenBytes(place: Place): Promise<number> {
    const { seen = '' } = ((await place.saved('B1')) ?? {}) as { readonly seen?: string }
    return Buffer.from(seen, 'base64').length
  }
})

describe('a review that stands twice on a page', () => {
  const page = [reviewOf(1), reviewOf(2), reviewOf(1, { votes: 3 }), reviewOf(2)]

  test('is handed over once, and counted once', async () => {
    const place = createPlace()
    const { counted, repeated } = counting()
    await using shop = await openShop(showing(...page), showing(...page, reviewOf('END')))
    await using poll = await place.open(settingsOfOne(shop), { ...known, repeated })
    assert.deepEqual(await poll.take(1), [[reviewOf(1), reviewOf(2)].map((one) => JSON.stringify(one))])
    assert.equal(counted.repeated, 2)
    assert.partialDeepStrictEqual(await place.saved('B1'), { fetched: 2, whole: 2, fresh: 0 })
    assert.deepEqual(await readUntil(poll, LAST), [LAST])
    assert.equal(counted.repeated, 6)
  })

  test('is no two of the total', async () => {
    const place = createPlace()
    await using shop = await openShop(() => ({ body: { reviews: page, total: 4 } }))
    await using poll = await place.open(settingsOfOne(shop), known)
    await poll.take(1)
    const saved = (await place.saved('B1')) as { readonly completeAt?: number } | undefined
    assert.equal(saved?.completeAt, undefined)
  })
})
