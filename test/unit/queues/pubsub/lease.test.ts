import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransientError } from '../../../../src/errors.ts'
import { createLeases, type Delivered } from '../../../../src/queues/pubsub/lease.ts'
import { silent } from '../../../support/queue-context.ts'

const delivered = (key: string, ...ids: string[]): Delivered[] =>
  ids.map((id) => ({ id, ackId: `${id}:1`, message: { key, body: Buffer.from(id) } }))

function stage(
  more: { maxExtensionMs?: number; acknowledge?: (ackIds: readonly string[]) => Promise<void> } = {},
) {
  const told: string[] = []
  const extended: string[] = []
  const released: string[] = []
  const leases = createLeases({
    acknowledge: async (ackIds) => void told.push(...ackIds),
    extend: async (ackIds, seconds) => void (seconds === 0 ? released : extended).push(...ackIds),
    deadlineMs: 30_000,
    maxExtensionMs: 3_600_000,
    logger: silent,
    ...more,
  })
  return { leases, told, extended, released, [Symbol.asyncDispose]: () => leases.close() }
}

test('tells of a key in its order, however the acknowledgements come', async () => {
  await using at = stage()
  const [a, b, c] = at.leases.take([...delivered('k', 'a', 'b'), ...delivered('other', 'c')])
  assert.ok(a && b && c)
  await at.leases.settle([b])
  assert.deepEqual(at.told, [])
  await at.leases.settle([c])
  assert.deepEqual(at.told, ['c:1'])
  await at.leases.settle([a])
  assert.deepEqual(at.told, ['c:1', 'a:1', 'b:1'])
})

test('tells at once of what has no key', async () => {
  await using at = stage()
  const [, b] = at.leases.take(delivered('', 'a', 'b'))
  assert.ok(b)
  await at.leases.settle([b])
  assert.deepEqual(at.told, ['b:1'])
})

test('tells again where it failed', async () => {
  const told: string[] = []
  let failures = 1
  await using at = stage({
    async acknowledge(ackIds) {
      if (failures-- > 0) throw new TransientError('QUEUE_UNAVAILABLE', 'away')
      told.push(...ackIds)
    },
  })
  const held = at.leases.take(delivered('k', 'a', 'b'))
  await assert.rejects(at.leases.settle(held), { code: 'QUEUE_UNAVAILABLE' })
  await at.leases.settle(held)
  assert.deepEqual(told, ['a:1', 'b:1'])
})

test('forgets what was delivered once more under its former id', async () => {
  await using at = stage()
  const old = at.leases.take(delivered('k', 'a', 'b'))
  const [again] = at.leases.take([{ ...delivered('k', 'a')[0]!, ackId: 'a:2' }])
  await at.leases.settle(old)
  assert.deepEqual(at.told, ['b:1'])
  await at.leases.settle([again!])
  assert.deepEqual(at.told, ['b:1', 'a:2'])
})

test('gives back what was not acknowledged, and nothing else', async () => {
  const at = stage()
  const [a] = at.leases.take(delivered('k', 'a'))
  const [, c] = at.leases.take(delivered('m', 'b', 'c'))
  await at.leases.settle([a!])
  await at.leases.settle([c!])
  await at.leases.close()
  assert.deepEqual(at.told, ['a:1'])
  assert.deepEqual(at.released.toSorted(), ['b:1', 'c:1'])
  await at.leases.settle([c!])
  assert.deepEqual(at.told, ['a:1'])
})

test('extends what it holds three times in a deadline, and nothing that is told or given back', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const at = stage()
  const [a, b] = at.leases.take([...delivered('k', 'a'), ...delivered('m', 'b'), ...delivered('n', 'c')])
  await at.leases.settle([a!])
  await at.leases.release([b!])
  t.mock.timers.tick(10_000)
  await new Promise(setImmediate)
  t.mock.timers.tick(10_000)
  await new Promise(setImmediate)
  assert.deepEqual(at.extended, ['c:1', 'c:1'])
  await at.leases.close()
})

test('lets go of what is held for too long, and holds up nothing behind it', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const at = stage({ maxExtensionMs: 0 })
  at.leases.take(delivered('k', 'a'))
  t.mock.timers.tick(10_000)
  assert.deepEqual(at.extended, [])
  const later = at.leases.take(delivered('k', 'b'))
  await at.leases.settle(later)
  assert.deepEqual(at.told, ['b:1'])
  await at.leases.close()
  assert.deepEqual(at.released, [])
})

test('tells of thousands in requests that the service takes', async () => {
  const sizes: number[] = []
  await using at = stage({ acknowledge: async (ackIds) => void sizes.push(ackIds.length) })
  const ids = Array.from({ length: 2_500 }, (_, n) => String(n))
  await at.leases.settle(at.leases.take(delivered('k', ...ids)))
  assert.deepEqual(sizes, [1_000, 1_000, 500])
})
