import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { inGroupsOf, inParallel } from '../../../../src/lib/parallel.ts'
import { bucketOf, nameFor, shardOf } from '../../../../src/stores/cassandra/paths.ts'
import { createTurns } from '../../../../src/stores/cassandra/turns.ts'

describe('buckets', () => {
  test('are named by what their dates begin with', () => {
    const at = Date.parse('2026-11-26T05:44:19.123Z')
    assert.equal(bucketOf(13, at), '2026-11-26T05')
    assert.equal(bucketOf(10, at), '2026-11-26')
    assert.equal(bucketOf(7, at), '2026-11')
  })

  test('take what no date of four digits says, in order', () => {
    const buckets = [-Infinity, -1e15, 0, 4e14, Infinity].map((ms) => bucketOf(13, ms))
    assert.deepEqual(buckets.toSorted(), buckets)
    assert.equal(buckets[0], '0000-01-01T00')
    assert.equal(buckets[4], '9999-12-31T23')
  })

  test('are spread by the last digit of a key', () => {
    assert.equal(shardOf(`${'0'.repeat(31)}f`), 15)
  })

  test('keep a name that a partition can have, and digest others', () => {
    assert.equal(nameFor('B00ü'), 'B00ü')
    assert.match(nameFor(''), /^sha256:/)
    assert.match(nameFor('x'.repeat(70_000)), /^sha256:[0-9a-f]{64}$/)
    assert.equal(nameFor(undefined), undefined)
  })
})

describe('work in parallel', () => {
  test('gives its results in the order of the items, never more at a time than it may', async () => {
    let underWay = 0
    let most = 0
    const results = await inParallel(
      [30, 5, 20, 1, 10],
      async (ms) => {
        most = Math.max(most, ++underWay)
        await sleep(ms)
        underWay--
        return ms
      },
      2,
    )
    assert.deepEqual(results, [30, 5, 20, 1, 10])
    assert.equal(most, 2)
  })

  test('begins nothing new after a failure, and has ended when it throws', async () => {
    const begun: number[] = []
    let ended = 0
    const work = inParallel(
      [0, 1, 2, 3],
      async (n) => {
        begun.push(n)
        if (n === 0) throw new Error('no')
        await sleep(5)
        ended++
      },
      2,
    )
    await assert.rejects(work, /no/)
    assert.deepEqual(begun, [0, 1])
    assert.equal(ended, 1)
  })

  test('comes in groups of a size', () => {
    assert.deepEqual([...inGroupsOf(2, [1, 2, 3])], [[1, 2], [3]])
  })
})

test('work on a key waits for earlier work on it, and for no other', async () => {
  const inTurn = createTurns()
  const order: string[] = []
  const first = Promise.withResolvers<void>()
  const work = [
    inTurn(['a', 'b'], async () => {
      await first.promise
      order.push('a b')
    }),
    inTurn(['b', 'c'], async () => void order.push('b c')),
    inTurn(['d'], async () => {
      order.push('d')
      first.resolve()
    }),
    inTurn(['a'], () => Promise.reject(new Error('no'))).catch(() => void order.push('a failed')),
    inTurn(['a'], async () => void order.push('a')),
  ]
  await Promise.all(work)
  assert.equal(order[0], 'd')
  assert.equal(order[1], 'a b')
  assert.ok(order.indexOf('a failed') < order.indexOf('a'))
  assert.equal(order.length, 5)
})
