import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Asked, openProvider, type Provider } from '../../support/provider.ts'
import { eventually } from '../../support/pipeline.ts'
import { createPlace } from './http-poll-harness.ts'
import { idsUpTo, known, pageOf, readUntil, settingsFor } from './http-poll-shop.ts'

const ALL = idsUpTo(21)
const END = [...ALL, 'END']
const LAST = 'REND accepted'
const DATE = 'Thu, 01 Jan 2026 00:00:00 GMT'

/** A shop that says of each page whether it is as it was, and has a new review after so many crawls. */
async function openCareful(changedAt: number): Promise<Provider> {
  let crawls = 0
  return openProvider(({ params, headers }) => {
    const page = Number(params.get('page'))
    if (page === 1) crawls++
    const ids = crawls < changedAt ? ALL : END
    const etag = `"${ids.length}-${page}"`
    if (headers['if-none-match'] === etag) return { status: 304, headers: { etag } }
    return { ...pageOf(ids, page), headers: { etag, 'last-modified': DATE } }
  })
}

/** Which page was asked for, and with which validator. */
const asks = ({ asked }: Provider): string[] =>
  asked.map(({ params, headers }: Asked) => `${params.get('page')} ${headers['if-none-match'] ?? '-'}`)
const WHOLE = ['1 -', '2 -', '3 -', '4 -']
const KNOWN = '1 "21-1"'

describe('a first page that is as it was', () => {
  test('ends a poll at once, and only it is asked for in that way', async () => {
    await using shop = await openCareful(4)
    let repeated = 0
    const more = { ...known, repeated: (items: number) => void (repeated += items) }
    await using poll = await createPlace().open(settingsFor(shop), more)
    await poll.take(3)
    assert.deepEqual(await readUntil(poll, LAST), [LAST])
    assert.deepEqual(asks(shop), [...WHOLE, KNOWN, KNOWN, KNOWN, '2 -', '3 -'])
    assert.equal(repeated, 21)
    assert.equal(shop.asked[4]?.headers['if-modified-since'], DATE)
  })

  test('is asked for as a whole where all pages are to be read', async () => {
    await using shop = await openCareful(5)
    await using poll = await createPlace().open({ ...settingsFor(shop), fullEveryMs: '2h' }, known)
    await poll.take(3)
    await readUntil(poll, LAST)
    assert.deepEqual(asks(shop), [...WHOLE, KNOWN, ...WHOLE, KNOWN, '1 -', '2 -', '3 -'])
  })

  test('says nothing of how many reviews there are, and that the product was polled', async () => {
    const place = createPlace()
    const start = place.now
    await using shop = await openCareful(3)
    await using poll = await place.open(settingsFor(shop), known)
    await poll.take(3)
    const saved = [] as unknown[]
    const last = poll.next()
    await until(() => shop.asked.length >= 6)
    saved.push(await place.saved('B1'))
    await last
    assert.partialDeepStrictEqual(saved, [
      { fetched: 21, whole: 21, completeAt: start, polledAt: start + 3_600_000, fresh: 0 },
    ])
  })

  test('is known after a restart, also with another key, and forgotten where something else is asked', async () => {
    const place = createPlace()
    await using shop = await openCareful(Infinity)
    const settings = { ...settingsFor(shop), params: { sort: 'recent', api_key: 'one' } }
    {
      await using poll = await place.open(settings, known)
      await poll.take(3)
      const stop = until(() => shop.asked.length >= 5)
      await poll.quietUntil(stop)
    }
    for (const [params, ask] of [
      [settings.params, KNOWN],
      [{ ...settings.params, api_key: 'two' }, KNOWN],
      [{ ...settings.params, sort: 'helpful' }, '1 -'],
    ] as const) {
      const before = shop.asked.length
      await using poll = await place.open({ ...settings, params }, known)
      await poll.quietUntil(until(() => shop.asked.length > before))
      assert.equal(asks(shop)[before], ask)
    }
  })
})

const until = (holds: () => boolean): Promise<true> =>
  eventually(async () => holds() || undefined, 'the provider to be asked')
