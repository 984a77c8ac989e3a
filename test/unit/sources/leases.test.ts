import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { TransientError } from '../../../src/errors.ts'
import { thisProcess } from '../../../src/lib/processes.ts'
import { openBook } from '../../../src/sources/leases/book.ts'
import { type Leases, type LeasesOptions, openLeases } from '../../../src/sources/leases/leases.ts'
import { SLOTS as ALL_SLOTS, slotOf } from '../../../src/sources/leases/slots.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { createMemoryRegistry } from '../../conformance/memory-registry.ts'
import { silent } from '../../support/queue-context.ts'
import { createReplica, LEASE_MS, SLOTS, type World } from './leases-replicas.ts'

const PARTS = Array.from({ length: 1_000 }, (_, n) => `B${n}`)

const createWorld = (): World => ({ now: 0, registry: createMemoryRegistry(), late: [] })

const open = (registry: Registry, more: Partial<LeasesOptions> = {}): Promise<Leases> =>
  openLeases({
    registry,
    source: 'shop',
    parts: PARTS,
    leaseMs: 3_000,
    next: () => undefined,
    clock: Date.now,
    logger: silent,
    onTrouble() {},
    signal: new AbortController().signal,
    ...more,
  })

/** Resolves when it is so; what a clock alone changes is looked at now and then. */
async function until(isSo: () => boolean, leases: Leases): Promise<void> {
  const late = AbortSignal.timeout(20_000)
  while (!isSo()) {
    await leases.changed(late, 10)
    late.throwIfAborted()
  }
}

const heldBy = (leases: Leases): string[] => PARTS.filter((part) => leases.fenceOf(part) !== undefined)

test('the parts of a source are spread over all slots, and stay where they are', () => {
  const counts = new Map<number, number>()
  for (let n = 0; n < 64_000; n++) {
    const slot = slotOf(`B${n}`)
    counts.set(slot, (counts.get(slot) ?? 0) + 1)
  }
  assert.equal(counts.size, ALL_SLOTS)
  for (const count of counts.values()) assert.ok(count > 800 && count < 1_200, `${count} in one slot`)
  assert.deepEqual(['B07FZ8S74R', 'ü', ''].map(slotOf), [40, 10, 2])
})

test('a replica that is alone has everything at once', async () => {
  await using leases = await open(createMemoryRegistry())
  assert.deepEqual(heldBy(leases), PARTS)
  assert.deepEqual([leases.held, leases.members], [64, 1])
})

test('two share the slots evenly, under higher fences where they changed hands', async () => {
  const registry = createMemoryRegistry()
  await using first = await open(registry)
  await using second = await open(registry)
  await until(() => first.held === 32 && second.held === 32, second)
  const ours = heldBy(second)
  assert.deepEqual(new Set([...heldBy(first), ...ours]), new Set(PARTS))
  for (const part of ours) assert.equal(first.fenceOf(part), undefined)
  for (const part of ours) assert.ok((second.fenceOf(part) ?? 0) > 1)
})

test('whoever stops gives everything back at once', async () => {
  const registry = createMemoryRegistry()
  const first = await open(registry, { leaseMs: 3_600_000 })
  await first[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
  assert.equal(first.held, 0)
  assert.deepEqual(heldBy(first), [])
  assert.deepEqual(await Array.fromAsync(registry.list('leases/members/')), [])
  await using second = await open(registry, { leaseMs: 3_600_000 })
  assert.equal(second.held, 64)
})

test('a slot in which work is under way is handed over when that has ended, and nothing begins there meanwhile', async () => {
  const registry = createMemoryRegistry()
  await using first = await open(registry)
  const holds = PARTS.map((part) => first.hold(part))
  await using second = await open(registry)
  await until(() => heldBy(first).length < PARTS.length, first)
  assert.deepEqual([first.held, second.held], [64, 0])
  const part = PARTS.find((each) => first.fenceOf(each) === undefined) ?? ''
  assert.equal(first.hold(part), undefined)
  for (const hold of holds) hold?.[Symbol.dispose]()
  await until(() => second.held === 32, second)
  assert.equal(first.held, 32)
})

test('a slot without parts is nobody’s', async () => {
  await using leases = await open(createMemoryRegistry(), { parts: ['B1'] })
  assert.deepEqual([leases.held, leases.fenceOf('B1')], [1, 1])
  const other = PARTS.find((part) => slotOf(part) !== slotOf('B1')) ?? ''
  leases.setParts([other])
  await until(() => leases.fenceOf(other) !== undefined, leases)
  assert.deepEqual([leases.held, leases.fenceOf('B1')], [1, undefined])
  leases.setParts([])
  await until(() => leases.held === 0, leases)
})

test('one that was killed is waited out for the time of a lease, by the clock of who waits', async () => {
  const world = createWorld()
  const killed = createReplica(world, 'killed', 5_000_000)
  const heir = createReplica(world, 'heir', -5_000_000)
  await killed.exchange()
  await heir.exchange()
  world.now += LEASE_MS - 1
  await heir.exchange()
  assert.equal(heir.member.held, 0)
  world.now += 1
  await heir.exchange()
  assert.equal(heir.member.held, SLOTS.length)
  assert.equal(heir.member.members, 1)
})

test('one that was paused holds nothing when it wakes up, before it has asked anybody', async () => {
  const world = createWorld()
  const replica = createReplica(world, 'paused', 0)
  await replica.exchange()
  world.now += LEASE_MS * 0.8 - 1
  assert.equal(replica.member.fenceOf(0), 1)
  world.now += 1
  assert.equal(replica.member.fenceOf(0), undefined)
  assert.equal(replica.member.held, 0)
  // Nobody has taken anything meanwhile.
  await replica.exchange()
  assert.equal(replica.member.fenceOf(0), 1)
})

test('a sign that took long to be written counts from before it was', async () => {
  const world = createWorld()
  const replica = createReplica(world, 'slow', 0)
  await replica.step()
  world.now += LEASE_MS
  const book = openBook(world.registry, 'shop')
  while ((await book.table()).table.slots.size === 0) await replica.step()
  assert.equal(replica.member.held, 0)
  await replica.exchange()
  assert.equal(replica.member.held, SLOTS.length)
})

test('a slot that was to be given up, and is kept after all, is not lost to the write that comes late', async () => {
  const world = createWorld()
  const keeper = createReplica(world, 'keeper', 0)
  const guest = createReplica(world, 'guest', 0)
  const late = createReplica(world, 'late', 0)
  await keeper.exchange()
  await guest.exchange()
  while (keeper.asks !== 'set leases/slots/shop') await keeper.step()
  await keeper.lose('late')
  await guest.leave()
  await keeper.exchange()
  assert.equal(SLOTS.filter((slot) => keeper.member.fenceOf(slot)).length, SLOTS.length)
  await world.late.shift()?.()
  await late.exchange()
  assert.equal(late.member.held, 0)
})

test('a process of this machine that has ended is not waited for', async () => {
  const world = createWorld()
  const ended = spawn(process.execPath, ['--version'])
  const { pid = 0 } = ended
  await once(ended, 'exit')
  const { within } = thisProcess()
  const book = openBook(world.registry, 'shop')
  await book.show('ended', 0, { host: 'here', pid, within })
  await book.show('elsewhere', 0, { host: 'there', pid, within: 'another machine' })
  const own = createReplica(world, 'own', 0)
  await own.exchange()
  const members = await book.members()
  assert.equal(members.has('ended'), within === undefined)
  assert.ok(members.has('elsewhere'))
})

test('staying as it is costs a write, a read and a list', async () => {
  const world = createWorld()
  const asked: string[] = []
  const { registry } = world
  const counted: Registry = {
    ...registry,
    get: (name) => (asked.push('get'), registry.get(name)),
    compareAndSet: (...args) => (asked.push('set'), registry.compareAndSet(...args)),
    list: (prefix) => (asked.push('list'), registry.list(prefix)),
  }
  const replica = createReplica({ ...world, registry: counted }, 'idle', 0)
  await replica.exchange()
  asked.length = 0
  await replica.exchange()
  assert.deepEqual(asked, ['set', 'get', 'list'])
})

test('an outage of the registry ends what is held, and what nobody took comes back under the same fences', async () => {
  const registry = createMemoryRegistry()
  let isAway = false
  const told: (string | undefined)[] = []
  const reached: Registry = {
    ...registry,
    async compareAndSet(...args) {
      if (isAway) throw new TransientError('STORE_UNAVAILABLE', 'away')
      return registry.compareAndSet(...args)
    },
  }
  await using leases = await open(reached, { onTrouble: (error) => told.push(error?.message) })
  assert.deepEqual(told, [])
  isAway = true
  await until(() => leases.held === 0, leases)
  assert.equal(leases.fenceOf('B1'), undefined)
  isAway = false
  await until(() => leases.held === 64, leases)
  assert.equal(leases.fenceOf('B1'), 1)
  assert.equal(told[0], 'away')
  assert.equal(told.at(-1), undefined)
})

test('a registry away at the start is waited for, until the opening is given up', async () => {
  const away: Registry = {
    ...createMemoryRegistry(),
    compareAndSet: () => Promise.reject(new TransientError('STORE_UNAVAILABLE', 'away')),
  }
  const opening = new AbortController()
  const failed = open(away, { signal: opening.signal, onTrouble: () => opening.abort(new Error('enough')) })
  await assert.rejects(failed, /enough/)
})

test('a table that nobody can read is told to whoever waits for leases', async () => {
  const registry = createMemoryRegistry()
  await using leases = await open(registry)
  const entry = await registry.get('leases/slots/shop')
  await registry.compareAndSet('leases/slots/shop', entry?.revision ?? 0, Buffer.from('{}'))
  const failing = leases.changed(AbortSignal.timeout(20_000))
  await assert.rejects(failing, { code: 'DATA_CORRUPT', message: /leases\/slots\/shop/ })
  await assert.rejects(leases.changed(AbortSignal.timeout(20_000)), { code: 'DATA_CORRUPT' })
})
