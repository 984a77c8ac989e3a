import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadPreset } from '../../../src/presets/index.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import { judge } from '../../../src/review/interpret.ts'
import type { ReviewRecord } from '../../../src/review/record.ts'
import { createRepair } from '../../../src/review/repair.ts'
import { aboutCluster, faultOf, lettersOf } from '../../../src/services/clusters.ts'
import { preview, type PreviewOptions } from '../../../src/services/preview.ts'
import { put } from '../../support/records.ts'
import { review } from '../../support/reviews.ts'
import { openPlace, type Place } from '../../support/services.ts'
import { temporaryFolder } from '../../support/temp.ts'

const rules = compileRules(await loadPreset('canonical'))
const { signal } = new AbortController()
const stars = createRepair({ pointer: '/rating', keyword: 'type' }, [{ parse: 'rating', as: 'stars' }])

const judged = (item: string, source = 'shop'): ReviewRecord =>
  judge(
    { origin: 'shop', receivedAt: 0, raw: Buffer.from(item), context: { source, kind: 'webhook' } },
    rules,
  )

const starred = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => review(`S${n}`, { rating: `${n % 5}.0 out of 5 stars` }))

async function clusterOf(place: Place): Promise<string> {
  for await (const { cluster } of place.store.clusters?.() ?? []) return cluster
  throw new Error('there is no cluster')
}

/** Previews the one cluster of these items. */
async function previewed(items: readonly ReviewRecord[], more: Partial<PreviewOptions> = {}) {
  await using folder = await temporaryFolder()
  await using place = await openPlace(folder.path)
  await put(place.store, items)
  const cluster = await clusterOf(place)
  return await preview({
    store: place.store,
    cluster,
    rules: async () => rules,
    signal,
    repair: stars,
    ...more,
  })
}

describe('the preview of a repair', () => {
  test('looks at the whole cluster, a page at a time, and says how far it is', async () => {
    const told: number[] = []
    const onProgress = ({ looked }: { looked: number }): void => void told.push(looked)
    const { looked, pass, fail, isMore, reasons } = await previewed(
      starred(1_200).map((item) => judged(item)),
      { onProgress },
    )
    assert.deepEqual({ looked, pass, fail, isMore }, { looked: 1_200, pass: 1_200, fail: 0, isMore: false })
    assert.deepEqual(reasons, [])
    assert.ok(told.length >= 3 && told.at(-1) === 1_200, told.join())
  })

  test('says which would not pass and why, and shows some of both', async () => {
    const items = [...starred(5), review('A', { rating: '4.0 out of 9 stars' })]
    const disliked = Array.from({ length: 3 }, (_, n) =>
      review(`D${n}`, { rating: '1.0 out of 5 stars', helpful_votes: -1 }),
    )
    const { pass, fail, reasons, samples } = await previewed(
      [...items, ...disliked].map((item) => judged(item)),
      { samples: 2 },
    )
    assert.deepEqual([pass, fail], [5, 4])
    assert.deepEqual(
      reasons.map(({ code, count }) => [code, count]),
      [
        ['invalid_helpful_votes', 3],
        ['invalid_rating', 1],
      ],
    )
    const [first] = samples
    assert.deepEqual([first?.before['rating'], first?.after?.['rating']], ['0.0 out of 5 stars', 0])
    assert.equal(samples.length, 4)
    assert.ok(samples.slice(2).every(({ after, errors }) => after === undefined && errors?.length))
  })

  test('stops at its limit, and says that there is more', async () => {
    const letters = starred(10).map((item) => judged(item))
    const some = await previewed(letters, { limit: 4 })
    assert.deepEqual([some.looked, some.isMore], [4, true])
    const all = await previewed(letters, { limit: 10 })
    assert.deepEqual([all.looked, all.isMore], [10, false])
  })

  test('names the sources, and cuts what is too long to be shown', async () => {
    const long = review('L', { rating: '4.0 out of 5 stars', review_text: 'x'.repeat(50_000) })
    const { sources, samples } = await previewed([judged(long, 'a'), judged(starred(1)[0] ?? '', 'b')])
    assert.deepEqual(sources.toSorted(), ['a', 'b'])
    for (const { after } of samples) assert.ok(String(after?.['review_text']).length <= 1_001)
  })

  test('without a repair tells what the rules of today say', async () => {
    const { repair: _, ...bare } = { repair: stars }
    const mended = compileRules(await loadPreset('canonical'), { repairs: [stars] })
    const letters = starred(3).map((item) => judged(item))
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    await put(place.store, letters)
    const at = { store: place.store, cluster: await clusterOf(place), signal, ...bare }
    assert.equal((await preview({ ...at, rules: async () => rules })).pass, 0)
    assert.equal((await preview({ ...at, rules: async () => mended })).pass, 3)
  })
})

describe('what is told of a cluster', () => {
  test('is its fault, the kind of value and how many there are', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    await put(
      place.store,
      starred(7).map((item) => judged(item)),
    )
    const [cluster] = await Array.fromAsync(place.store.clusters?.() ?? [])
    assert.ok(cluster)
    const about = aboutCluster(cluster, rules)
    assert.deepEqual(about, {
      cluster: cluster.cluster,
      count: 7,
      isMore: false,
      origin: 'shop',
      source: 'shop',
      preset: 'canonical@1',
      code: 'invalid_rating',
      pointer: '/rating',
      keyword: 'type',
      shape: '"9.9 a a 9 a"',
      error: 'rating must be a number, found "0.0 out of 5 stars"',
      firstAt: '1970-01-01T00:00:00.000Z',
      lastAt: '1970-01-01T00:00:00.000Z',
    })
    const letters = await lettersOf(place.store, cluster.cluster, { most: 5, signal })
    assert.deepEqual([letters.length, faultOf(letters[0]).pointer], [5, '/rating'])
    await assert.rejects(
      lettersOf(place.store, '0123456789abcdef', { most: 5, signal }),
      /NOT_FOUND|no dead letter/,
    )
  })

  test('says of a missing field that there is nothing, and of no review that no repair mends it', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    await put(place.store, [judged(review('A', { user_id: null })), judged('{"review_id":')])
    const about = (await Array.fromAsync(place.store.clusters?.() ?? [])).map((one) => ({
      ...aboutCluster(one, rules),
      letter: one.first,
    }))
    const missing = about.find(({ code }) => code === 'missing_user_id')
    const unreadable = about.find(({ code }) => code === 'unreadable')
    assert.deepEqual([missing?.shape, unreadable?.shape, unreadable?.pointer], ['nothing', undefined, ''])
    assert.ok(unreadable)
    assert.throws(() => faultOf(unreadable.letter), /a repair mends a field of a review/)
  })
})
