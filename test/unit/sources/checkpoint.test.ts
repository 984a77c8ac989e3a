import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { TransientError } from '../../../src/errors.ts'
import { claimCheckpoint, createCheckpoint, savedParts } from '../../../src/sources/checkpoint.ts'
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

const claim = (registry: Registry, fence: number) =>
  claimCheckpoint({ name: 'shop', registry }, { part: 'B1', state, fence })

test('a claim goes on where the owner before was, who can save nothing more', async () => {
  const registry = createMemoryRegistry()
  const before = await claim(registry, 3)
  assert.equal(before.saved, undefined)
  await before.handOver({ at: 1 })()
  const mine = await claim(registry, 4)
  assert.deepEqual(mine.saved, { at: 1 })
  await assert.rejects(before.handOver({ at: 2 }), { code: 'CHECKPOINT_TAKEN', name: 'HeadwaterError' })
  await mine.handOver({ at: 5 })()
  await assert.rejects(claim(registry, 3), { code: 'CHECKPOINT_TAKEN', name: 'HeadwaterError' })
  assert.deepEqual((await claim(registry, 4)).saved, { at: 5 })
  const parts = await Array.fromAsync(savedParts({ name: 'shop', registry }, state))
  assert.deepEqual(parts, [{ part: 'B1', saved: { at: 5 } }])
})

test('nothing is saved behind a claim by a write that was under way before it', async () => {
  const registry = createMemoryRegistry()
  const arrive: (() => void)[] = []
  const slow: Registry = {
    ...registry,
    async compareAndSet(...args) {
      if (arrive.length === 0 && args[1] > 0) await new Promise<void>((resolve) => arrive.push(resolve))
      return registry.compareAndSet(...args)
    },
  }
  const before = await claim(slow, 1)
  const paused = before.handOver({ at: 2 })()
  while (arrive.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const mine = await claim(registry, 2)
  arrive[0]?.()
  await assert.rejects(paused, { code: 'CHECKPOINT_TAKEN' })
  await mine.handOver({ at: 7 })()
  assert.deepEqual((await claim(registry, 2)).saved, { at: 7 })
})

test('a claim takes what was saved without a fence, and keeps what it does not understand', async () => {
  const registry = createMemoryRegistry()
  await registry.compareAndSet('checkpoint/shop/B1', 0, Buffer.from('{"at":9}'))
  assert.deepEqual((await claim(registry, 1)).saved, { at: 9 })
  const newer = z.object({ page: z.int() })
  const part = { part: 'B1', state: newer, fence: 2 }
  assert.equal((await claimCheckpoint({ name: 'shop', registry }, part)).saved, undefined)
  assert.deepEqual((await claim(registry, 3)).saved, { at: 9 })
})
