import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { openBudget } from '../../../src/sources/http-job/budget.ts'
import { createMemoryRegistry } from '../../conformance/memory-registry.ts'

const PER = 1_000

describe('a budget of jobs', () => {
  test('gives no more than it has in each window, by however many processes and whenever they are started anew', async () => {
    const step = fc.record({ after: fc.nat(PER), process: fc.nat(2), isNew: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(step, { maxLength: 40 }),
        async (jobs, steps) => {
          const registry = createMemoryRegistry()
          let now = 1_000_000
          const open = () => openBudget({ jobs, perMs: PER }, { name: 'shop', registry }, () => now)
          const processes = [open(), open(), open()]
          const taken: number[] = []
          for (const { after, process, isNew } of steps) {
            now += after
            if (isNew) processes[process] = open()
            const waitMs = (await processes[process]?.take()) ?? 0
            if (waitMs === 0) taken.push(now)
            else assert.ok(waitMs > 0 && waitMs <= PER)
          }
          // A window begins with its first job.
          for (let start = taken.shift(); start !== undefined; start = taken.shift()) {
            const end = start + PER
            let inWindow = 1
            while (taken[0] !== undefined && taken[0] < end) {
              taken.shift()
              inWindow++
            }
            assert.ok(inWindow <= jobs, `${inWindow} of ${jobs}`)
          }
        },
      ),
    )
  })

  test('has one more for each that is given back', async () => {
    const registry = createMemoryRegistry()
    const budget = openBudget({ jobs: 1, perMs: PER }, { name: 'shop', registry }, () => 5)
    assert.equal(await budget.take(), 0)
    assert.equal(await budget.take(), PER)
    await budget.giveBack()
    assert.equal(await budget.take(), 0)
  })

  test('without a config is endless, and leaves nothing behind', async () => {
    const registry = createMemoryRegistry()
    const budget = openBudget(undefined, { name: 'shop', registry }, () => 5)
    assert.equal(await budget.take(), 0)
    await budget.giveBack()
    assert.deepEqual(await Array.fromAsync(registry.list('')), [])
  })
})
