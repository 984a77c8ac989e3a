import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { TransientError } from '../../../src/errors.ts'
import { createCheckpoint } from '../../../src/sources/checkpoint.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { createMemoryRegistry } from '../../conformance/memory-registry.ts'

const name = 'checkpoint/shop'
const state = z.object({ at: z.int() })

const savedIn = async (registry: Registry): Promise<unknown> => {
  const entry = await registry.get(name)
  return entry && JSON.parse(entry.value.toString())
}

const open = async (registry: Registry, found = registry.get(name)) =>
  createCheckpoint({ name, found: await found, state, registry })

test('what is saved is what was acknowledged without a gap, in whatever order', async () => {
  const count = 8
  const orders = fc.shuffledSubarray(Array.from({ length: count }, (_, n) => n))
  await fc.assert(
    fc.asyncProperty(orders, fc.boolean(), async (order, together) => {
      const registry = createMemoryRegistry()
      const checkpoint = await open(registry)
      const acks = Array.from({ length: count }, (_, at) => checkpoint.handOver({ at }))
      if (together) await Promise.all(order.map(async (n) => acks[n]?.()))
      else for (const n of order) await acks[n]?.()
      const gap = acks.findIndex((_, n) => !order.includes(n))
      const upTo = gap === -1 ? count : gap
      assert.deepEqual(await savedIn(registry), upTo === 0 ? undefined : { at: upTo - 1 })
    }),
  )
})

test('goes on with what was saved, unless nobody can read it', async () => {
  const registry = createMemoryRegistry()
  await (await open(registry)).handOver({ at: 7 })()
  assert.deepEqual((await open(registry)).saved, { at: 7 })
  await registry.compareAndSet(name, 1, Buffer.from('{"at":'))
  const checkpoint = await open(registry)
  assert.equal(checkpoint.saved, undefined)
  await checkpoint.handOver({ at: 1 })()
  assert.deepEqual(await savedIn(registry), { at: 1 })
})

test('stops when another process has moved it, and leaves that as it is', async () => {
  const registry = createMemoryRegistry()
  const mine = (await open(registry)).handOver({ at: 1 })
  await (await open(registry)).handOver({ at: 2 })()
  await assert.rejects(mine, { code: 'CHECKPOINT_TAKEN', name: 'HeadwaterError' })
  assert.deepEqual(await savedIn(registry), { at: 2 })
})

test('an attempt that failed and went through all the same is not taken for another process', async () => {
  const registry = createMemoryRegistry()
  let failures = 2
  const uncertain: Registry = {
    ...registry,
    async compareAndSet(...args) {
      const isSet = await registry.compareAndSet(...args)
      if (failures-- > 0) throw new TransientError('BACKEND_FAILING', 'no answer')
      return isSet
    },
  }
  const checkpoint = await open(uncertain, registry.get(name))
  const first = checkpoint.handOver({ at: 1 })
  const second = checkpoint.handOver({ at: 2 })
  await assert.rejects(first, TransientError)
  await assert.rejects(second, TransientError)
  await first()
  assert.deepEqual(await savedIn(registry), { at: 2 })
})

test('somebody who was faster is told as a passing trouble first, and as another process then', async () => {
  const registry = createMemoryRegistry()
  const rival = (await open(registry)).handOver({ at: 9 })
  const raced: Registry = {
    ...registry,
    async get(...args) {
      const entry = await registry.get(...args)
      await rival().catch(() => {})
      return entry
    },
  }
  const acknowledge = (await open(raced, registry.get(name))).handOver({ at: 1 })
  await assert.rejects(acknowledge, TransientError)
  await assert.rejects(acknowledge, { code: 'CHECKPOINT_TAKEN', name: 'HeadwaterError' })
  assert.deepEqual(await savedIn(registry), { at: 9 })
})
