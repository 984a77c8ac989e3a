import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createBell } from '../../../src/lib/bell.ts'
import { createPlace, DAY } from './http-poll-harness.ts'
import { known, openShop, settingsFor } from './http-poll-shop.ts'

/** What an operator wants, and when the source has come to wait for a change of it. */
function createPermit(isPaused = false) {
  const bell = createBell()
  const waiting = createBell()
  const permit = {
    isPaused,
    pollAt: undefined as number | undefined,
    changed(signal: AbortSignal) {
      const change = bell.wait(signal)
      waiting.ring()
      return change
    },
  }
  return {
    permit,
    change(wanted: Partial<Pick<typeof permit, 'isPaused' | 'pollAt'>>) {
      Object.assign(permit, wanted)
      bell.ring()
    },
    waits: () => waiting.wait(new AbortController().signal),
  }
}

describe('a poll', () => {
  test('that is paused asks for nothing, and goes on where it was', async () => {
    const operator = createPermit(true)
    const { permit } = operator
    await using shop = await openShop([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    await using poll = await createPlace().open(settingsFor(shop), { ...known, permit })
    const waiting = operator.waits()
    const first = poll.next()
    await waiting
    assert.equal(shop.asked.length, 0)
    operator.change({ isPaused: false })
    await (await first).ack()
    assert.equal(shop.asked.length, 1)

    operator.change({ isPaused: true })
    const again = operator.waits()
    const second = poll.next()
    await again
    assert.equal(shop.asked.length, 1, 'the second page of the crawl is not asked for')
    operator.change({ isPaused: false })
    assert.equal((await second).items.length, 2)
  })

  test('that is wanted at once is begun although the next one is due tomorrow', async () => {
    const place = createPlace()
    const operator = createPermit()
    const { permit } = operator
    await using shop = await openShop([1], [1, 2])
    const settings = { ...settingsFor(shop), everyMs: '1d', paging: { kind: 'none' } }
    await using poll = await place.open(settings, { ...known, permit })
    await poll.take(1)
    const asleep = place.freeze()
    const next = poll.next()
    await asleep
    place.now += DAY / 2
    operator.change({ pollAt: place.now })
    const batch = await next
    assert.equal(batch.items.length, 1)
    assert.equal(shop.asked.length, 2)
    await batch.ack()
  })
})
