import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Now } from '../../../src/console/api/now.ts'
import { lookOf, rateOf } from '../../../src/console/page/rates.ts'

function now(seconds: number, counts: { received: number; stored?: number; rejected?: number }): Now {
  const { received, rejected = 0, stored = received } = counts
  return {
    at: new Date(seconds * 1000).toISOString(),
    ready: { ok: true, problems: [] },
    alerts: [],
    sources: [
      {
        name: 'hook',
        type: 'webhook',
        state: 'running',
        paused: false,
        received,
        stored,
        rejected,
        published: received,
        unchanged: 0,
      },
    ],
    topics: [{ name: 'raw-reviews', backlog: 3, oldestAgeMs: 40 }, { name: 'dead-letter-queue' }],
    deadLetters: { maxBytes: 1 },
    eventLoopMs: 0,
  }
}

describe('the rates of the console', () => {
  test('are differences of counters over the time between two looks', () => {
    const looks = [now(0, { received: 10 }), now(2, { received: 20, rejected: 4 })].map(lookOf)
    assert.deepEqual(rateOf(looks, 30_000), { received: 5, stored: 5, unchanged: 0, rejected: 2 })
    assert.deepEqual(rateOf(looks, 30_000, 'hook'), rateOf(looks, 30_000))
    assert.equal(rateOf(looks, 30_000, 'another'), undefined)
  })

  test('go back no further than the window', () => {
    const looks = [0, 10, 20].map((seconds) => lookOf(now(seconds, { received: seconds ** 2 })))
    assert.equal(rateOf(looks, 10_000)?.received, 30)
    assert.equal(rateOf(looks, 60_000)?.received, 20)
  })

  test('are not known before there are two looks, nor where the process was started anew', () => {
    const first = lookOf(now(0, { received: 100 }))
    assert.equal(rateOf([], 10_000), undefined)
    assert.equal(rateOf([first], 10_000), undefined)
    assert.equal(rateOf([first, lookOf(now(2, { received: 1 }))], 10_000), undefined)
  })

  test('come with the backlog of those topics that tell one', () => {
    const { backlog, oldestAgeMs } = lookOf(now(0, { received: 0 }))
    assert.deepEqual({ backlog, oldestAgeMs }, { backlog: 3, oldestAgeMs: 40 })
  })
})
