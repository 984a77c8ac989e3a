import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Member } from '../../../src/sources/leases/member.ts'
import { createMemoryRegistry } from '../../conformance/memory-registry.ts'
import { createReplica, LEASE_MS, type Replica, SLOTS, type World } from './leases-replicas.ts'

type Move =
  | { readonly kind: 'go'; readonly who: number; readonly steps: number; readonly isStale: boolean }
  | { readonly kind: 'rush' | 'kill' | 'leave'; readonly who: number }
  | { readonly kind: 'lose'; readonly who: number; readonly how: 'done' | 'never' | 'late' }
  | { readonly kind: 'arrive' }
  | { readonly kind: 'work'; readonly who: number; readonly slot: number; readonly isBegun: boolean }
  | { readonly kind: 'list'; readonly who: number; readonly slot: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'join'; readonly skew: number }

/** So many replicas at a time. */
const MOST = 3
/** Until the dead are waited out and what they had is shared. */
const QUIET_ROUNDS = 12

const who = fc.nat(MOST - 1)
const slot = fc.constantFrom(...SLOTS)
const steps = fc.integer({ min: 1, max: 9 })
const rarely = fc.nat(9).map((n) => n === 0)
const skew = fc.integer({ min: -1_000_000, max: 1_000_000 })
const one = <Kind extends Move['kind']>(kind: Kind) => fc.constant(kind)
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: one('go'), who, steps, isStale: rarely }) },
  { weight: 10, arbitrary: fc.record({ kind: one('rush'), who }) },
  { weight: 12, arbitrary: fc.record({ kind: one('pass'), ms: fc.constantFrom(1, 10, 25, 50, LEASE_MS) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: one('lose'), who, how: fc.constantFrom('done', 'never', 'late') }),
  },
  { weight: 2, arbitrary: fc.record({ kind: one('arrive') }) },
  { weight: 3, arbitrary: fc.record({ kind: one('work'), who, slot, isBegun: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: one('list'), who, slot }) },
  { weight: 3, arbitrary: fc.record({ kind: one('join'), skew }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('kill', 'leave'), who }) },
)

/** Tells who held each slot last, and under which fence: no other may hold it under the same or a lower one. */
function createWitness() {
  const last = new Map<number, { readonly id: string; readonly fence: number }>()

  return function look(replicas: readonly Replica[], when: string): void {
    for (const each of SLOTS) {
      const holders = replicas.flatMap(({ id, member }) => {
        const fence = member.fenceOf(each)
        return fence === undefined ? [] : [{ id, fence }]
      })
      const [holder] = holders
      if (!holder) continue
      const names = holders.map(({ id }) => id).join(' and ')
      assert.equal(holders.length, 1, `${names} hold slot ${each} ${when}`)
      const before = last.get(each)
      const least = !before ? 1 : before.id === holder.id ? before.fence : before.fence + 1
      assert.ok(holder.fence >= least, `${names} holds slot ${each} under ${holder.fence} ${when}`)
      last.set(each, holder)
    }
  }
}

async function play(moves: readonly Move[]): Promise<void> {
  const world: World = { now: 0, registry: createMemoryRegistry(), late: [] }
  const look = createWitness()
  const running: Replica[] = []
  /** They believe what they believed, and may not be wrong. */
  const killed: Replica[] = []
  const works: { readonly member: Member; readonly slot: number }[] = []
  let joined = 0

  async function make(made: Move): Promise<unknown> {
    if (made.kind === 'pass') return (world.now += made.ms)
    if (made.kind === 'arrive') return world.late.shift()?.()
    if (made.kind === 'join')
      return running.length < MOST && running.push(createReplica(world, `replica ${joined++}`, made.skew))
    const replica = running[made.who]
    if (!replica) return
    const { member, wanted } = replica
    switch (made.kind) {
      case 'go':
        replica.isStale = made.isStale
        for (let n = 0; n < made.steps; n++) await replica.step()
        return
      case 'rush':
        return replica.exchange()
      case 'lose':
        return replica.lose(made.how)
      case 'list':
        return wanted.delete(made.slot) || wanted.add(made.slot)
      case 'work': {
        const ended = made.isBegun ? undefined : works.shift()
        ended?.member.end(ended.slot)
        if (!made.isBegun || member.fenceOf(made.slot) === undefined) return
        member.begin(made.slot)
        return works.push({ member, slot: made.slot })
      }
      case 'kill':
        return killed.push(...running.splice(made.who, 1))
      case 'leave':
        running.splice(made.who, 1)
        return replica.leave()
    }
  }

  for (const [n, made] of moves.entries()) {
    await make(made)
    look([...running, ...killed], `behind move ${n}, ${made.kind}`)
  }
  for (const { member, slot: each } of works) member.end(each)
  for (const replica of running) {
    for (const each of SLOTS) replica.wanted.add(each)
    replica.isStale = false
  }
  for (let round = 0; round < QUIET_ROUNDS; round++) {
    for (const replica of running) {
      await replica.exchange()
      look([...running, ...killed], `in the quiet round ${round}`)
    }
    world.now += LEASE_MS / 4
  }
  await isShared(world, running)
}

async function isShared({ registry }: World, replicas: readonly Replica[]): Promise<void> {
  if (replicas.length === 0) return
  const counts = replicas.map(({ member }) => SLOTS.filter((each) => member.fenceOf(each)).length)
  const all = counts.reduce((sum, count) => sum + count, 0)
  assert.equal(all, SLOTS.length, `all is held: ${counts.join()}`)
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `it is held evenly: ${counts.join()}`)
  const members = await Array.fromAsync(registry.list('leases/members/'))
  assert.equal(members.length, replicas.length, 'the dead are forgotten')
}

test('no two replicas ever hold a slot, and all is shared evenly once it is quiet, whatever happens', async () => {
  const joins: Move[] = [0, -500_000].map((skew_) => ({ kind: 'join', skew: skew_ }))
  const schedule = fc.array(move, { minLength: 20, maxLength: 100 })
  await fc.assert(
    fc.asyncProperty(schedule, (moves) => play([...joins, ...moves])),
    { numRuns: 150 },
  )
})
