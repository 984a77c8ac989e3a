import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createRoster, type Roster, type Urgency, type Work } from '../../../src/sources/leases/roster.ts'

interface Waiting extends Work {
  readonly urgency: number
}

const urgencyOf = ({ urgency }: Waiting): number => urgency

function filled(all: readonly Waiting[], urgency?: Urgency<Waiting>): Roster<Waiting> {
  const roster = createRoster(urgency)
  const byName = new Map(all.map((one) => [one.part, one]))
  roster.keep(byName.keys(), (part) => byName.get(part) ?? assert.fail('one of these'))
  return roster
}

/** Those that it hands out at that time, until nobody is ready. */
function takenAt(roster: Roster<Waiting>, now: number): string[] {
  const taken: string[] = []
  for (let one = roster.take(now); one; one = roster.take(now)) taken.push(one.part)
  return taken
}

const works = fc
  .array(fc.record({ readyAt: fc.nat(5), urgency: fc.nat(3) }), { maxLength: 20 })
  .map((all) => all.map((one, n): Waiting => ({ ...one, part: `P${n}` })))

describe('a roster', () => {
  test('hands out those that are ready, the most urgent first, and of these who has waited longest', () => {
    fc.assert(
      fc.property(works, fc.nat(5), (all, now) => {
        const expected = all
          .filter(({ readyAt }) => readyAt <= now)
          .toSorted((a, b) => b.urgency - a.urgency || a.readyAt - b.readyAt)
        const roster = filled(all, urgencyOf)
        assert.deepEqual(
          takenAt(roster, now),
          expected.map(({ part }) => part),
        )
        const later = all.map(({ readyAt }) => readyAt).filter((at) => at > now)
        assert.equal(roster.nextAt, Math.min(...later))
      }),
    )
  })

  test('hands out who has waited longest where nobody is more urgent than others', () => {
    fc.assert(
      fc.property(works, (all) => {
        const expected = all.toSorted((a, b) => a.readyAt - b.readyAt).map(({ part }) => part)
        assert.deepEqual(takenAt(filled(all), 5), expected)
      }),
    )
  })

  test('hands out nobody who was left out meanwhile, also of those that were ready already', () => {
    fc.assert(
      fc.property(works, fc.func(fc.boolean()), (all, isLeft) => {
        const roster = filled(all, urgencyOf)
        const taken = roster.take(5)
        const left = all.filter(({ part }) => part !== taken?.part && isLeft(part))
        roster.keep(
          left.map(({ part }) => part),
          () => assert.fail('all are known'),
        )
        if (taken) roster.putBack(taken, 5)
        assert.deepEqual(new Set(takenAt(roster, 5)), new Set(left.map(({ part }) => part)))
        assert.equal(roster.nextAt, Infinity)
      }),
    )
  })
})
