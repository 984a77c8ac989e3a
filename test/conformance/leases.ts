import assert from 'node:assert/strict'
import { z } from 'zod'
import { claimCheckpoint } from '../../src/sources/checkpoint.ts'
import { openBook } from '../../src/sources/leases/book.ts'
import { createMember, type Member } from '../../src/sources/leases/member.ts'
import type { Registry } from '../../src/stores/registry.ts'
import { silent } from '../support/queue-context.ts'

const LEASE_MS = 10_000
const SLOTS = [0, 1, 2, 3, 4, 5]
/** Hours apart, and none of them is right. */
const SKEWS = [0, 7_200_000, -86_400_000]
const state = z.int()

/**
 * Three replicas on sessions of one registry, with clocks that only the test moves: they share evenly; one is paused for
 * longer than a lease, is followed, and can neither believe it holds something nor save anything when it wakes up; and one
 * leaves, and is followed at once.
 */
export async function shareByLeases(sessions: readonly Registry[]): Promise<void> {
  let now = 0
  const leavings = sessions.map(() => new AbortController())
  const members = sessions.map((registry, n) =>
    createMember({
      book: openBook(registry, 'shop'),
      id: `replica ${n}`,
      card: () => ({ host: 'test', pid: n }),
      wanted: () => new Set(SLOTS),
      leaseMs: LEASE_MS,
      steady: () => now + (SKEWS[n] ?? 0),
      life: leavings[n]?.signal ?? new AbortController().signal,
      onChange() {},
      logger: silent,
      source: 'shop',
    }),
  )
  const [first, second, third] = members
  assert.ok(first && second && third)
  const heldBy = (member: Member): number[] => SLOTS.filter((slot) => member.fenceOf(slot) !== undefined)

  async function rounds(count: number, replicas: readonly Member[]): Promise<void> {
    for (let round = 0; round < count; round++) {
      for (const replica of replicas) {
        await replica.exchange()
        const held = members.flatMap(heldBy)
        assert.equal(new Set(held).size, held.length, `none is held twice: ${held.join()}`)
      }
      now += LEASE_MS / 4
    }
  }

  await rounds(1, [first])
  assert.deepEqual(heldBy(first), SLOTS)
  // The first gives up what the others take in their next turn.
  await rounds(2, [second, third, first])
  await rounds(1, [second, third, first])
  assert.deepEqual(
    members.map((member) => heldBy(member).length),
    [2, 2, 2],
  )

  const [slot = -1] = heldBy(third)
  const part = `part of ${slot}`
  const fence = third.fenceOf(slot) ?? 0
  const checkpointOf = (n: number, under: number) =>
    claimCheckpoint({ name: 'shop', registry: sessions[n] as Registry }, { part, state, fence: under })
  const paused = await checkpointOf(2, fence)
  await paused.handOver(1)()
  const asked = paused.handOver(2)

  await rounds(5, [first, second])
  const heir = [first, second].findIndex((member) => member.fenceOf(slot) !== undefined)
  const higher = members[heir]?.fenceOf(slot) ?? 0
  assert.ok(higher > fence, `the fence of the heir is higher: ${higher} after ${fence}`)
  assert.deepEqual([third.fenceOf(slot), third.held], [undefined, 0])
  const followed = await checkpointOf(heir, higher)
  assert.equal(followed.saved, 1)
  await assert.rejects(asked, { code: 'CHECKPOINT_TAKEN', name: 'HeadwaterError' })
  await assert.rejects(checkpointOf(2, fence), { code: 'CHECKPOINT_TAKEN', name: 'HeadwaterError' })
  await followed.handOver(3)()

  leavings[0]?.abort()
  await first.leave()
  await rounds(1, [second, third])
  assert.deepEqual(
    [...heldBy(second), ...heldBy(third)].toSorted((a, b) => a - b),
    SLOTS,
  )
}
