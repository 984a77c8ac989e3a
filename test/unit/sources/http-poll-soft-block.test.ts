import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reply } from '../../support/provider.ts'
import { createPlace } from './http-poll-harness.ts'
import {
  idsUpTo,
  judged,
  known,
  type Shown,
  openShop,
  pageOf,
  readUntil,
  reviewOf,
  settingsFor,
  wordsOf,
} from './http-poll-shop.ts'

const ALL = idsUpTo(21)
const END = [...ALL, 'END']
const LAST = 'REND accepted'
const CAPTCHA: Reply = { body: '<!doctype html><title>Robot Check</title> Enter the characters.' }
const EMPTY: Reply = { body: { reviews: [] } }
const LOGIN: Reply = { body: '<html><form action="/signin"><input type="password"></form></html>' }

/** Answers a page so often in another way, and shows it after that. */
function blocked(onPage: number, times: number, reply: Reply): Shown {
  let left = times
  return (page) => (page === onPage && left-- > 0 ? reply : pageOf(END, page))
}

const kinds: readonly [what: string, onPage: number, reply: Reply, words: RegExp][] = [
  ['a page with a CAPTCHA', 1, CAPTCHA, /CAPTCHA.*ask it, and let it rest/],
  ['a page to log in', 2, LOGIN, /log in.*its session has ended/],
  ['a notice that its preset knows', 2, pageOf(END, 2, { notice: 'Captcha!' }), /was shut out/],
  ['the first page in place of the second', 2, pageOf(END, 1), /holds what the first one held/],
  ['no reviews at all any more', 1, EMPTY, /no reviews where there were 21: look/],
  [
    'reviews that all lack their author',
    2,
    { body: { reviews: idsUpTo(10).map((id) => reviewOf(`x${id}`, { author: null })) } },
    /dead letter \(missing_user_id\).*the provider's shape has changed/,
  ],
  [
    'less than it says there is',
    2,
    { body: { reviews: [], total: 21 } },
    /without a new review after 10 of 21/,
  ],
]

describe('a poller that is shown', () => {
  for (const [what, onPage, reply, words] of kinds) {
    test(`${what} stays where it is, keeps one as evidence, says so, and goes on by itself`, async () => {
      const place = createPlace()
      await using shop = await openShop(ALL, blocked(onPage, 3, reply))
      await using poll = await place.open(settingsFor(shop), known)
      await poll.take(3)
      const evidence = await poll.next()
      const saved = await place.saved('B1')
      assert.partialDeepStrictEqual(saved, { place: { page: onPage } })
      await evidence.ack()
      assert.deepEqual(await place.saved('B1'), saved)

      const [item] = evidence.items
      assert.ok(item && evidence.items.length === 1)
      const body = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body)
      assert.equal(item.raw.toString(), body)
      const { verdict } = judged(item)
      assert.ok(verdict.status === 'rejected' && verdict.code === 'soft_blocked')
      assert.match(verdict.errors[0]?.message ?? '', words)
      assert.match(String(place.troubles.at(-1)), words)

      assert.deepEqual(await readUntil(poll, LAST), [LAST])
      const pages = shop.asked.slice(4).map(({ params }) => Number(params.get('page')))
      const rest = [1, 2, 3].slice(onPage - 1)
      const before = [1, 2, 3].slice(0, onPage - 1)
      assert.deepEqual(pages, [...before, onPage, onPage, onPage, ...rest])
      assert.equal(place.troubles.at(-1), undefined)
    })
  }

  for (const [what, reply] of [
    ['CAPTCHAs', CAPTCHA],
    ['empty pages', EMPTY],
  ] as const) {
    test(`nothing but ${what} asks no more than its circuit breaker lets through, and goes on after that`, async () => {
      const place = createPlace()
      place.random = 0
      const times: number[] = []
      const look = blocked(1, 20, reply)
      await using shop = await openShop(ALL, (page) => {
        times.push(place.now)
        return look(page)
      })
      await using poll = await place.open(settingsFor(shop), known)
      await poll.take(3)
      assert.deepEqual(await readUntil(poll, LAST), ['soft_blocked', LAST])
      const quick = times.filter((at) => at < (times[0] ?? 0) + 5 * 60_000)
      assert.equal(quick.length, 5)
      const open = place.troubles.filter((told) => String(told).endsWith('(the circuit breaker is open)'))
      assert.equal(open.length, 1)
      assert.equal(place.troubles.at(-1), undefined)
    })
  }

  test('the same page again and again begins its crawl anew, and what it keeps of it is one dead letter', async () => {
    const place = createPlace()
    await using shop = await openShop(ALL, blocked(2, 12, pageOf(END, 1)))
    await using poll = await place.open(settingsFor(shop), known)
    await poll.take(3)
    const keys = new Map<string, string>()
    while (![...keys.values()].includes(LAST)) {
      const batch = await poll.next()
      for (const item of batch.items) keys.set(judged(item).key, wordsOf(item))
      await batch.ack()
    }
    assert.deepEqual([...keys.values()], ['soft_blocked', LAST])
    const pages = shop.asked.slice(4).map(({ params }) => params.get('page'))
    assert.equal(pages.filter((page) => page === '1').length, 4)
  })

  test('the same page again and again begins its crawl anew after four times, however often it is killed', async () => {
    const place = createPlace()
    await using shop = await openShop(ALL, blocked(2, 12, pageOf(END, 1)))
    {
      await using poll = await place.open(settingsFor(shop), known)
      await poll.take(3)
      await poll.next()
    }
    for (let start = 2; start <= 5; start++) {
      await using poll = await place.open(settingsFor(shop), known)
      await poll.next()
    }
    const pages = shop.asked.slice(4).map(({ params }) => params.get('page'))
    assert.deepEqual(pages, ['1', '2', '2', '2', '2', '1', '2'])
  })

  test('a CAPTCHA again after it was shown reviews keeps that one, too', async () => {
    const place = createPlace()
    await using shop = await openShop(ALL, () => CAPTCHA, ALL, blocked(1, 1, CAPTCHA))
    await using poll = await place.open(settingsFor(shop), known)
    const words = await readUntil(poll, LAST)
    assert.deepEqual(
      words.filter((word) => !word.endsWith('accepted')),
      ['soft_blocked', 'soft_blocked'],
    )
  })
})
