import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { createHosts, type HostLimits, type Visitor } from '../../../src/sources/http/hosts.ts'

const HOST = 'api.example.com'
const never = new AbortController().signal

/** Hosts with a clock that only moves when somebody sleeps. */
function open() {
  let now = 0
  async function sleep(ms: number, signal: AbortSignal): Promise<void> {
    const end = now + ms
    await turn()
    signal.throwIfAborted()
    now = Math.max(now, end)
  }
  return { hosts: createHosts(sleep, () => now), now: () => now, sleep }
}

/** When so many requests of a visitor were sent, one after the other. */
async function timesOf(visitor: Visitor, count: number, now: () => number, host = HOST): Promise<number[]> {
  const times: number[] = []
  while (times.length < count) {
    const leave = await visitor.enter(host, never)
    times.push(now())
    leave()
  }
  return times
}

const settled = async (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true), turn(false)])

describe('the rate of a host', () => {
  const rate = { requests: 6, perMs: 60_000 }

  test('spreads requests evenly, and keeps no time for later that nobody used', async () => {
    const { hosts, now, sleep } = open()
    using visitor = hosts.join(HOST, { rate })
    assert.deepEqual(await timesOf(visitor, 3, now), [0, 10_000, 20_000])
    await sleep(100_000, never)
    assert.deepEqual(await timesOf(visitor, 3, now), [120_000, 130_000, 140_000])
  })

  test('is shared by all who ask it, also by those who set none, until the last of them has left', async () => {
    const { hosts, now } = open()
    using other = hosts.join(HOST, {})
    {
      using strict = hosts.join(HOST, { rate })
      const both = await Promise.all([timesOf(strict, 3, now), timesOf(other, 3, now)])
      assert.deepEqual(
        both.flat().toSorted((a, b) => a - b),
        [0, 10_000, 20_000, 30_000, 40_000, 50_000],
      )
    }
    assert.deepEqual(await timesOf(other, 2, now), [60_000, 60_000])
  })

  test('is the lowest that anybody set', async () => {
    const { hosts, now } = open()
    using quick = hosts.join(HOST, { rate: { requests: 10, perMs: 1_000 } })
    using _slow = hosts.join(HOST, { rate })
    assert.deepEqual(await timesOf(quick, 2, now), [0, 10_000])
  })

  test('is nothing to other hosts', async () => {
    const { hosts, now } = open()
    using visitor = hosts.join(HOST, { rate })
    assert.deepEqual(await timesOf(visitor, 3, now, 'elsewhere.example.com'), [0, 0, 0])
  })

  test('is never passed in any window, whoever asks and whenever', async () => {
    const visits = fc.array(fc.tuple(fc.nat(2), fc.nat(5_000)), { minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 50 }), visits, async (requests, all) => {
        const { hosts, now, sleep } = open()
        const visitors = [0, 1, 2].map(() => hosts.join(HOST, { rate: { requests, perMs: 1_000 } }))
        const times: number[] = []
        for (const [who, pauseMs] of all) {
          const leave = await visitors[who]!.enter(HOST, never)
          times.push(now())
          leave()
          await sleep(pauseMs, never)
        }
        for (const start of times) {
          const inWindow = times.filter((at) => at >= start && at < start + 999.999)
          assert.ok(inWindow.length <= requests, `${inWindow.length} within a second of ${start}`)
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('the concurrency of a host', () => {
  const enterTwice = async (limits: readonly [HostLimits, HostLimits]) => {
    const { hosts } = open()
    const [one, other] = [hosts.join(HOST, limits[0]), hosts.join(HOST, limits[1])]
    return { one, other, leave: await one.enter(HOST, never), second: other.enter(HOST, never) }
  }

  test('is shared by all who ask it: the next one enters when one leaves', async () => {
    const { leave, second } = await enterTwice([{ maxPerHost: 1 }, {}])
    assert.equal(await settled(second), false)
    leave()
    assert.equal(await settled(second), true)
  })

  test('is nobody’s limit any more once whoever set it is gone', async () => {
    const { one, second } = await enterTwice([{ maxPerHost: 1 }, {}])
    one[Symbol.dispose]()
    assert.equal(await settled(second), true)
  })

  test('counts nobody who gave up waiting', async () => {
    const { one, leave } = await enterTwice([{ maxPerHost: 2 }, {}])
    const impatient = new AbortController()
    const third = one.enter(HOST, impatient.signal)
    impatient.abort(new Error('enough'))
    await assert.rejects(third, { message: 'enough' })
    const fourth = one.enter(HOST, never)
    assert.equal(await settled(fourth), false)
    leave()
    assert.equal(await settled(fourth), true)
  })
})
