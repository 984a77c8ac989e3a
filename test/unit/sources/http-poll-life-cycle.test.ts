import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Received } from '../../../src/review/received.ts'
import { HELD, openProvider } from '../../support/provider.ts'
import { createPlace, type Poll } from './http-poll-harness.ts'
import {
  idsUpTo,
  judged,
  known,
  type Look,
  openShop,
  pageOf,
  readUntil,
  settingsFor,
} from './http-poll-shop.ts'

const ALL = idsUpTo(21)
const without = (...gone: readonly number[]): number[] => ALL.filter((id) => !gone.includes(id))
const MISSED = without(15)
const END = [...ALL, 'END']
const LAST = 'REND accepted'
const HOUR = 3_600_000

const times = (count: number, look: Look): Look[] => Array(count).fill(look)
/** What is said of reviews that were there before. */
const notesIn = (words: readonly string[]): string[] =>
  words.filter((word) => / (removed|returned)$/.test(word))

async function notesOf(looks: readonly Look[], settings: object = {}): Promise<string[]> {
  await using shop = await openShop(...looks)
  await using poll = await createPlace().open({ ...settingsFor(shop), ...settings }, known)
  return notesIn(await readUntil(poll, LAST))
}

describe('a review of a provider that shows all of them', () => {
  test('is removed once, when the third complete poll in a row misses it, and returns', async () => {
    const looks = [ALL, ALL, ...times(6, MISSED), ALL, ALL, END]
    assert.deepEqual(await notesOf(looks), ['R15 removed', 'R15 returned'])
    assert.deepEqual(await notesOf([ALL, ALL, ...times(3, MISSED), END]), ['R15 removed'])
    assert.deepEqual(await notesOf([ALL, ALL, ...times(2, MISSED), END]), [])
  })

  test('is removed after as many polls as the config says', async () => {
    assert.deepEqual(await notesOf([ALL, ALL, MISSED, END], { removedAfter: 1 }), ['R15 removed'])
    assert.deepEqual(await notesOf([ALL, ALL, ...times(3, MISSED), END], { removedAfter: 4 }), [])
  })

  test('is judged as removed, with its product and when it was seen last', async () => {
    const place = createPlace()
    const start = place.now
    await using shop = await openShop(ALL, ALL, MISSED)
    await using poll = await place.open(settingsFor(shop), known)
    const note = await nextNote(poll)
    const { verdict, key } = judged(note)
    const { by: _, ...rest } = verdict
    const last_seen = new Date(start + HOUR).toISOString()
    assert.deepEqual(rest, { status: 'removed', review_id: 'R15', product: 'B1', last_seen })
    assert.deepEqual(note.context, { source: 'shop', kind: 'http-poll', event: 'removed' })
    const review = judged({ ...note, raw: Buffer.from('{"id":"R15","text":"x","stars":1}'), context: PLAIN })
    assert.equal(key.slice(0, 16), review.key.slice(0, 16))
  })

  test('that was shown once, perhaps by mistake, is never removed', async () => {
    assert.deepEqual(await notesOf([MISSED, MISSED, ALL, ...times(5, MISSED), END]), [])
  })

  test('is not removed where polls show only the top ones', async () => {
    assert.deepEqual(await notesOf([ALL, ALL, ...times(20, MISSED), END], { coverage: 'top' }), [])
  })

  test('is told of again, under the same key, where the note was not acknowledged', async () => {
    const place = createPlace()
    await using shop = await openShop(ALL, ALL, MISSED)
    const noteOfRun = async (): Promise<string> => {
      await using poll = await place.open(settingsFor(shop), known)
      return judged(await nextNote(poll)).key
    }
    const key = await noteOfRun()
    assert.equal(await noteOfRun(), key)
    await using poll = await place.open(settingsFor(shop), known)
    assert.deepEqual(await readUntil(poll, 'R15 removed'), ['R15 removed'])
  })

  /** The next note, not acknowledged; what comes before it is. */
  async function nextNote(poll: Poll): Promise<Received> {
    while (true) {
      const batch = await poll.next()
      const note = batch.items.find(({ context }) => context.event !== undefined)
      if (note) return note
      await batch.ack()
    }
  }
})

const PLAIN = { source: 'shop', kind: 'http-poll' }

describe('a poll that has not seen everything does not count', () => {
  const shortPage: Look = (page) => {
    const { reviews } = pageOf(ALL, page).body as { reviews: { id: string }[] }
    return { body: { reviews: reviews.filter(({ id }) => id !== 'R15') } }
  }
  const captcha: Look = () => ({ body: '<html>Robot check: enter the captcha</html>' })
  const refused: Look = (page) => (page === 2 ? { status: 404 } : pageOf(MISSED, page))
  const byPages = { paging: { kind: 'page', param: 'page', totalPages: '/pages' } }
  const hidden: Look = (page) => pageOf(MISSED, page, { total: 30 })

  const kinds: readonly [string, Look, object?][] = [
    ['where a page in the middle is short', shortPage],
    ['where there are more reviews than it showed', hidden, byPages],
    ['where more than a tenth is gone since the last one', without(15, 16, 17, 18)],
    ['where a page was refused, so that it had to begin anew', refused],
    ['where it was soft-blocked', captcha],
  ]
  for (const [what, look, settings] of kinds) {
    test(what, async () => {
      const looks = [ALL, ALL, ...times(2, MISSED), ...times(5, look), END]
      assert.deepEqual(await notesOf(looks, settings), [])
    })
  }

  test('but what it missed is counted on by the next that has', async () => {
    const looks = [ALL, ALL, ...times(2, MISSED), ...times(5, shortPage), MISSED, END]
    assert.deepEqual(await notesOf(looks), ['R15 removed'])
  })

  test('where it was resumed after a restart', async () => {
    const place = createPlace()
    const RUNS = 5
    const cut = new Set<number>()
    let crawls = 0
    let reached = Promise.withResolvers<void>()
    await using shop = await openProvider(({ params }) => {
      const page = Number(params.get('page'))
      if (page === 1) crawls++
      if (page === 2 && crawls > 2 && crawls <= 2 + RUNS && !cut.has(crawls)) {
        cut.add(crawls)
        reached.resolve()
        return HELD
      }
      return pageOf(crawls <= 2 ? ALL : crawls <= 2 + RUNS ? MISSED : END, page)
    })
    for (let run = 1; run <= RUNS; run++) {
      reached = Promise.withResolvers()
      await using poll = await place.open(settingsFor(shop), known)
      if (run === 1) await poll.take(3)
      await poll.quietUntil(reached.promise)
    }
    await using poll = await place.open(settingsFor(shop), known)
    assert.deepEqual(notesIn(await readUntil(poll, LAST)), [])
    assert.equal(cut.size, RUNS)
  })

  test('until ten in a row have missed a tenth: then there are fewer', async () => {
    const fewer = without(14, 15, 16)
    const removed = ['R14', 'R15', 'R16'].map((id) => `${id} removed`)
    assert.deepEqual(await notesOf([ALL, ALL, ...times(12, fewer), END]), removed)
    assert.deepEqual(await notesOf([ALL, ALL, ...times(11, fewer), END]), [])
  })
})
