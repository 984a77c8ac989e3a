import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { thisProcess } from '../../../src/lib/processes.ts'
import { nextRequest } from '../../../src/sources/http/next-request.ts'
import { throttledOf } from '../../../src/sources/http/throttle.ts'
import { type Card, openBook } from '../../../src/sources/leases/book.ts'
import { nextPollOf } from '../../../src/sources/next-poll.ts'
import type { NextPoll } from '../../../src/sources/source.ts'
import { createMemoryRegistry } from '../../conformance/memory-registry.ts'

const NOW = Date.UTC(2026, 0, 1)
const LEASE_MS = 10_000

type Next = NonNullable<Card['next']>

const cardOf = (next: Next | undefined, more: Partial<Card> = {}): Card => ({
  host: 'elsewhere',
  pid: 1,
  next,
  goodUntil: NOW + LEASE_MS,
  ...more,
})

/** When a source asks next that these processes run, as far as its provider was told to be left alone until then. */
async function nextOf(
  cards: readonly Card[],
  options: { readonly until?: number; readonly isPaused?: boolean } = {},
): Promise<NextPoll | undefined> {
  const { until, isPaused = false } = options
  const registry = createMemoryRegistry()
  const book = openBook(registry, 'shop')
  for (const [n, card] of cards.entries()) await book.show(`${n}`, 0, card)
  if (until !== undefined)
    await registry.compareAndSet('pause/shop', 0, Buffer.from(JSON.stringify({ until })))
  const providerUntil = (await throttledOf('shop', registry))?.until
  return nextPollOf('shop', registry, { isPaused, providerUntil, now: NOW })
}

const planned = (inMs: number): Next => ({ state: 'planned', at: NOW + inMs })

describe('the next poll of a source', () => {
  test('is the earliest that any of its processes plans', async () => {
    const cards = [cardOf(planned(9_000)), cardOf(planned(4_000)), cardOf(undefined)]
    assert.deepEqual(await nextOf(cards), { state: 'planned', at: NOW + 4_000 })
    const spent = cardOf({ state: 'budget', at: NOW + 3_000 })
    assert.deepEqual(await nextOf([...cards, spent]), { state: 'budget', at: NOW + 3_000 })
  })

  test('is now where one is under way, and where its time has come since it was shown', async () => {
    const now = { state: 'now', at: NOW }
    assert.deepEqual(await nextOf([cardOf(planned(9_000)), cardOf({ state: 'now', at: NOW - 900 })]), now)
    assert.deepEqual(await nextOf([cardOf(planned(-700))]), now)
  })

  test('is not known where nobody runs it, or runs it any more', async () => {
    assert.equal(await nextOf([]), undefined)
    assert.equal(await nextOf([cardOf(planned(4_000), { goodUntil: NOW - 1 })]), undefined)
    const { pid } = spawnSync('true')
    const gone = cardOf(planned(4_000), { ...thisProcess(), pid })
    assert.equal(await nextOf([gone]), undefined, 'it has just been killed, and its entry is there still')
    assert.equal(await nextOf([], { until: NOW + 60_000 }), undefined)
  })

  test('is not known of a process of an earlier version, nor of what a later one says', async () => {
    assert.equal(await nextOf([{ host: 'elsewhere', pid: 1 }]), undefined)
    const later = { ...cardOf(undefined), next: { state: 'guessed', at: NOW } } as unknown as Card
    assert.equal(await nextOf([later]), undefined)
    assert.deepEqual(await nextOf([later, cardOf(planned(5))]), { state: 'planned', at: NOW + 5 })
  })

  test('is not known before the products are, by anybody', async () => {
    const loading = cardOf({ state: 'loading', at: NOW })
    assert.deepEqual(await nextOf([loading]), { state: 'loading' })
    assert.deepEqual(await nextOf([loading, cardOf(planned(8))]), { state: 'planned', at: NOW + 8 })
  })

  test('waits for a provider that one of them was told to leave alone', async () => {
    const alone = { state: 'provider', at: NOW + 60_000 }
    const until = NOW + 60_000
    assert.deepEqual(await nextOf([cardOf(planned(4_000))], { until }), alone)
    assert.deepEqual(await nextOf([cardOf({ state: 'loading', at: NOW })], { until }), alone)
    const later = { state: 'planned', at: NOW + 70_000 }
    assert.deepEqual(await nextOf([cardOf(planned(70_000))], { until }), later)
    const over = { until: NOW - 60_000 }
    assert.deepEqual(await nextOf([cardOf(planned(4_000))], over), { state: 'planned', at: NOW + 4_000 })
  })

  test('is none while it is paused', async () => {
    assert.deepEqual(await nextOf([cardOf(planned(4_000))], { isPaused: true }), { state: 'paused' })
  })

  test('is never past, whatever the processes show', async () => {
    const next = fc.record({
      state: fc.constantFrom('now', 'planned', 'budget', 'provider', 'loading'),
      at: fc.integer({ min: NOW - 60_000, max: NOW + 60_000 }),
    })
    const card = fc
      .record({ next: fc.option(next, { nil: undefined }), goodMs: fc.integer({ min: -5_000, max: 5_000 }) })
      .map(({ next: one, goodMs }) => cardOf(one as Next | undefined, { goodUntil: NOW + goodMs }))
    const until = fc.integer({ min: NOW - 60_000, max: NOW + 60_000 })
    await fc.assert(
      fc.asyncProperty(fc.array(card, { maxLength: 4 }), until, async (cards, saved) => {
        const found = await nextOf(cards, { until: saved })
        const counting = cards.filter(({ goodUntil = 0 }) => goodUntil > NOW)
        assert.equal(
          found !== undefined,
          counting.some(({ next: one }) => one),
        )
        assert.ok(found?.at === undefined || found.at >= Math.max(NOW, saved), JSON.stringify(found))
      }),
    )
  })
})

describe('the next request of a process', () => {
  test('waits for what takes longest', () => {
    const none = { dueAt: 0, providerUntil: 0, budgetUntil: 0 }
    const cases = [
      [{ ...none, dueAt: Infinity, providerUntil: 9 }, undefined],
      [none, { state: 'now', inMs: 0 }],
      [
        { ...none, dueAt: 5 },
        { state: 'now', inMs: 0 },
      ],
      [
        { ...none, dueAt: 7 },
        { state: 'planned', inMs: 2 },
      ],
      [
        { dueAt: 7, providerUntil: 9, budgetUntil: 8 },
        { state: 'provider', inMs: 4 },
      ],
      [
        { dueAt: 7, providerUntil: 6, budgetUntil: 8 },
        { state: 'budget', inMs: 3 },
      ],
      [
        { dueAt: 9, providerUntil: 8, budgetUntil: 7 },
        { state: 'planned', inMs: 4 },
      ],
    ] as const
    for (const [waits, expected] of cases) assert.deepEqual(nextRequest(waits, 5), expected)
  })
})
