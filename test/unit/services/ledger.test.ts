import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { TransientError } from '../../../src/errors.ts'
import { countsOf, createLedger, type Settlement } from '../../../src/services/ledger.ts'
import { openRegistry } from '../../../src/stores/embedded/registry.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { temporaryFolder } from '../../support/temp.ts'

const never = new AbortController().signal

const entries = (from: number, to: number, settlement: Settlement, run = 'run-1') =>
  Array.from({ length: to - from }, (_, n) => [{ run, seq: from + n }, settlement] as const)

async function withRegistry(run: (registry: Registry) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder()
  await using registry = await openRegistry(join(folder.path, 'registry'))
  await run(registry)
}

describe('the ledger', () => {
  test('counts a number once, however often, by whom and how it is settled', async () => {
    await withRegistry(async (registry) => {
      const [one, two] = [createLedger(registry, 'p1'), createLedger(registry, 'p2')]
      await one.settle(entries(0, 10_000, 'stored'), never)
      await one.settle(entries(9_990, 10_010, 'unchanged'), never)
      await two.settle(entries(0, 100, 'unchanged'), never)
      await two.settle(entries(10_010, 10_020, 'rejected'), never)
      assert.deepEqual(await countsOf(registry, 'run-1'), { stored: 10_000, rejected: 10, unchanged: 10 })
      assert.deepEqual(await countsOf(registry, 'run'), { stored: 0, rejected: 0, unchanged: 0 })
    })
  })

  test('takes numbers of several runs and ranges in one call, in any order', async () => {
    await withRegistry(async (registry) => {
      const ledger = createLedger(registry, 'p1')
      const [one, two] = ['run-1', 'run-2'].map((run) => entries(8_000, 8_400, 'stored', run))
      assert.ok(one && two)
      await ledger.settle(
        one.flatMap((entry, n) => [entry, two[399 - n] ?? entry]),
        never,
      )
      for (const run of ['run-1', 'run-2']) assert.equal((await countsOf(registry, run)).stored, 400)
    })
  })

  test('keeps every number of calls that come at once and share a write', async () => {
    await withRegistry(async (registry) => {
      const ledger = createLedger(registry, 'p1')
      const runs = Array.from({ length: 30 }, (_, n) => `run-${n}`)
      await Promise.all(
        runs.flatMap((run) =>
          Array.from({ length: 5 }, (_, n) =>
            ledger.settle(entries(10 * n, 10 * (n + 1), 'stored', run), never),
          ),
        ),
      )
      for (const run of runs) assert.equal((await countsOf(registry, run)).stored, 50, run)
    })
  })

  test('adds to what the same process wrote before an answer was lost', async () => {
    await withRegistry(async (registry) => {
      let answers = 0
      const lossy: Registry = {
        ...registry,
        async compareAndSet(...given) {
          const set = await registry.compareAndSet(...given)
          if (answers++ === 0) throw new TransientError('BACKEND_FAILING', 'the answer was lost')
          return set
        },
      }
      const ledger = createLedger(lossy, 'p1')
      await assert.rejects(ledger.settle(entries(0, 5, 'stored'), never), TransientError)
      await ledger.settle(entries(0, 5, 'stored'), never)
      await ledger.settle(entries(5, 8, 'rejected'), never)
      assert.deepEqual(await countsOf(registry, 'run-1'), { stored: 5, rejected: 3, unchanged: 0 })
    })
  })

  test('writes nothing where all is noted already', async () => {
    await withRegistry(async (registry) => {
      const ledger = createLedger(registry, 'p1')
      const revisions = async () =>
        (await Array.fromAsync(registry.list('settled/'))).map(({ revision }) => revision)
      await ledger.settle(entries(0, 5, 'stored'), never)
      const before = await revisions()
      await ledger.settle(entries(0, 5, 'stored'), never)
      assert.deepEqual(await revisions(), before)
    })
  })
})
