import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Provider } from '../../support/provider.ts'
import { createPlace } from './http-poll-harness.ts'
import {
  idsUpTo,
  known,
  type Look,
  openShop,
  pageOf,
  readUntil,
  settingsFor,
  wordsOf,
} from './http-poll-shop.ts'

/** Three pages, and an empty one behind them. */
const ALL = idsUpTo(21)
const NEWER = ['NEW', ...ALL]
const END = ['END', ...NEWER]
const LAST = 'REND accepted'
/** Polls are hourly. */
const fullEvery = (hours: number) => ({ fullEveryMs: `${hours}h` })

const pagesOf = ({ asked }: Provider): string => asked.map(({ params }) => params.get('page')).join('')

describe('a poll of a provider that shows the newest reviews first', () => {
  test('stops where nothing is new, and now and then reads all pages', async () => {
    await using shop = await openShop(ALL, ALL, NEWER, NEWER, END)
    await using poll = await createPlace().open({ ...settingsFor(shop), ...fullEvery(3) }, known)
    const words = await readUntil(poll, LAST)
    assert.deepEqual(words.slice(ALL.length), ['RNEW accepted', LAST])
    assert.equal(pagesOf(shop), ['1234', '1', '12', '1234', '1'].join(''))
  })

  test('is as brief after a restart', async () => {
    const place = createPlace()
    await using shop = await openShop(ALL, ALL, NEWER)
    {
      await using poll = await place.open({ ...settingsFor(shop), ...fullEvery(3) }, known)
      await poll.take(3)
    }
    await using poll = await place.open({ ...settingsFor(shop), ...fullEvery(3) }, known)
    await readUntil(poll, 'RNEW accepted')
    assert.equal(pagesOf(shop), ['1234', '1', '1'].join(''))
  })

  test('says nothing of what is missing, unless it reads all pages', async () => {
    const place = createPlace()
    const start = place.now
    const missed = ALL.filter((id) => id !== 15)
    await using shop = await openShop(ALL, ALL, ALL, missed, missed)
    const settings = { ...settingsFor(shop), ...fullEvery(2), removedAfter: 1 }
    await using poll = await place.open(settings, known)
    await poll.take(3)
    const batch = await poll.next()
    assert.deepEqual(batch.items.map(wordsOf), ['R15 removed'])
    assert.equal(pagesOf(shop), ['1234', '1', '1234', '1', '123'].join(''))
    const hour = 3_600_000
    assert.partialDeepStrictEqual(await place.saved('B1'), {
      fetched: 21,
      completeAt: start + 2 * hour,
      polledAt: start + 3 * hour,
    })
  })

  test('reads all pages after one that did not come to its end: what is behind its first page is not known', async () => {
    const withheld: Look = (page) => pageOf(NEWER, page === 2 ? 1 : page)
    await using shop = await openShop(ALL, withheld, NEWER, END)
    await using poll = await createPlace().open({ ...settingsFor(shop), ...fullEvery(24) }, known)
    await readUntil(poll, LAST)
    assert.equal(pagesOf(shop), ['1234', '12222', '1234', '1'].join(''))
  })
})
