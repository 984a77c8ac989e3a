import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Provider } from '../../../src/review/provider.ts'
import { percentilesOf } from '../../../src/sources/http-poll/polling.ts'
import { openProvider } from '../../support/provider.ts'
import { plainProvider } from '../../support/plain-provider.ts'
import { createPlace, numbered } from './http-poll-harness.ts'

const HOUR = 3_600_000

/** A provider that has ten reviews of A and says nothing of B, and shows two of each. */
const twoOfTen: Provider = {
  ...plainProvider(),
  told: (text: string) => ({ isBlocked: false, ...(text.includes('"A') && { total: 10 }) }),
}
const twoProducts = () =>
  openProvider(({ path }) => ({ body: { reviews: numbered(`${path.slice(1)}1`, `${path.slice(1)}2`) } }))
const settingsFor = (url: string) => ({ url: `${url}/{product}`, products: ['A', 'B'], everyMs: '1h' })

/** A provider whose items are told apart by their bytes. */
const knowing: Provider = {
  ...plainProvider(),
  identify: ({ raw }) => ({
    version: hash('sha256', raw, 'hex').slice(0, 16),
    review: undefined,
    product: undefined,
    code: undefined,
  }),
}

describe('what a poller tells of its products', () => {
  test('is what it asked and found, what there is, and the gap', async () => {
    await using provider = await twoProducts()
    const place = createPlace()
    await using poll = await place.open(settingsFor(provider.url), { provider: twoOfTen })
    assert.deepEqual(poll.polling(), {
      calls: 0,
      fresh: 0,
      products: 2,
      held: 2,
      told: undefined,
      fetched: 0,
      missing: undefined,
      stalenessMs: { p50: 0, p95: 0 },
      discoveryMs: undefined,
    })
    await poll.take(2)
    place.now += HOUR / 4
    assert.deepEqual(poll.polling(), {
      calls: 2,
      fresh: 4,
      products: 2,
      held: 2,
      told: 10,
      fetched: 4,
      missing: 8,
      stalenessMs: { p50: HOUR / 4, p95: HOUR / 4 },
      discoveryMs: undefined,
    })
  })

  test('counts a product that was never polled to its end as old as the process is', async () => {
    await using provider = await openProvider(({ path }) =>
      path === '/A' ? { body: { reviews: numbered(1) } } : { status: 404 },
    )
    const place = createPlace()
    await using poll = await place.open(settingsFor(provider.url))
    await poll.take(1)
    const stopped = place.freeze()
    await poll.quietUntil(stopped)
    place.now += HOUR
    assert.deepEqual(poll.polling().stalenessMs, { p50: HOUR, p95: HOUR })
  })

  test('is known after a restart, without a call', async () => {
    await using provider = await twoProducts()
    const place = createPlace()
    {
      await using poll = await place.open(settingsFor(provider.url), { provider: twoOfTen })
      await poll.take(2)
      await poll.stop()
    }
    place.now += HOUR / 2
    await using poll = await place.open(settingsFor(provider.url), { provider: twoOfTen })
    const { calls, told, fetched, missing, stalenessMs } = poll.polling()
    assert.deepEqual([calls, told, fetched, missing], [0, 10, 4, 8])
    assert.deepEqual(stalenessMs, { p50: HOUR / 2, p95: HOUR / 2 })
  })

  test('is how long its latest new reviews may have waited: from the poll before, and not those of its first poll', async () => {
    await using provider = await openProvider((_, n) => ({
      body: { reviews: numbered(1, 2, ...(n > 2 ? [3] : [])) },
    }))
    const place = createPlace()
    const settings = { url: provider.url, everyMs: '1h' }
    {
      await using poll = await place.open(settings, { provider: knowing })
      await poll.take(1)
      assert.equal(poll.polling().discoveryMs, undefined)
      // The second poll is late, and finds nothing; the third one is not.
      place.now += 2 * HOUR
      await poll.take(1)
      assert.deepEqual(poll.polling().discoveryMs, { p50: HOUR, p95: HOUR })
    }
    await using poll = await place.open(settings, { provider: knowing })
    assert.deepEqual(poll.polling().discoveryMs, { p50: HOUR, p95: HOUR })
  })
})

describe('the calls that are saved', () => {
  test('are those of all polls but the first, with what was new in them', async () => {
    let shown = 3
    await using provider = await openProvider(() => ({
      body: { reviews: numbered(...Array.from({ length: shown }, (_, n) => n)) },
    }))
    const place = createPlace()
    await using poll = await place.open({ url: provider.url, everyMs: '1h' }, { provider: knowing })
    const saved = async () => (await place.saved())?.yielded
    await poll.take(1)
    assert.deepEqual(await saved(), { calls: 0, fresh: 0 })
    shown = 5
    await poll.take(1)
    assert.deepEqual(await saved(), { calls: 1, fresh: 2 })
    shown = 6
    await poll.take(1)
    assert.deepEqual(await saved(), { calls: 2, fresh: 3 })
  })
})

test('of the ages of polls, half are at most p50 and 95 % at most p95, and these are among them', () => {
  assert.equal(percentilesOf([]), undefined)
  fc.assert(
    fc.property(fc.array(fc.nat(1_000), { minLength: 1 }), (ages) => {
      const { p50, p95 } = percentilesOf(ages) ?? assert.fail('there are some')
      for (const [share, within] of [
        [0.5, p50],
        [0.95, p95],
      ] as const) {
        assert.ok(ages.includes(within))
        assert.ok(ages.filter((age) => age <= within).length >= share * ages.length)
        assert.ok(ages.filter((age) => age < within).length < share * ages.length)
      }
    }),
  )
})
