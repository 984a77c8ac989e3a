import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TransientError } from '../../../src/errors.ts'
import { createRepair, type Repair } from '../../../src/review/repair.ts'
import { keptRepairs, type RepairsWatch, watchRepairs } from '../../../src/services/repairs.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { createMemoryRegistry } from '../../conformance/memory-registry.ts'

const by = { by: 'ada@desk', at: '2026-11-26T10:00:00.000Z' }
const stars = createRepair({ pointer: '/rating', keyword: 'type' }, [{ parse: 'rating', as: 'stars' }])
const votes = createRepair({ pointer: '/helpful_votes', keyword: 'type' }, [{ remove: 'helpful_votes' }])

const idsOf = (repairs: readonly Repair[]): readonly string[] => repairs.map(({ id }) => id)

/** Watches, and tells of the next change. */
async function watching(registry: Registry) {
  let changed = Promise.withResolvers<void>()
  let troubled = Promise.withResolvers<unknown>()
  const watch: RepairsWatch = await watchRepairs(registry, {
    onChange: () => changed.resolve(),
    onTrouble: (error) => troubled.resolve(error),
    everyMs: 20,
  })
  return {
    ...watch,
    async change() {
      await changed.promise
      changed = Promise.withResolvers()
    },
    async trouble() {
      const error = await troubled.promise
      troubled = Promise.withResolvers()
      return error
    },
  }
}

describe('repairs that sources keep', () => {
  test('are kept once each, in their order, with who keeps them', async () => {
    const kept = keptRepairs(createMemoryRegistry())
    await kept.keep('shop', stars, by)
    await kept.keep('shop', votes, by)
    await kept.keep('shop', stars, { by: 'somebody else', at: '2027-01-01T00:00:00Z' })
    await kept.keep('outlet', votes, by)
    assert.deepEqual(await kept.list('shop'), [
      { source: 'shop', ...stars, ...by },
      { source: 'shop', ...votes, ...by },
    ])
    assert.equal((await kept.list()).length, 3)
  })

  test('are dropped, and the last one leaves nothing behind', async () => {
    const registry = createMemoryRegistry()
    const kept = keptRepairs(registry)
    await kept.keep('shop', stars, by)
    assert.equal(await kept.drop('shop', votes.id), false)
    assert.equal(await kept.drop('outlet', stars.id), false)
    assert.equal(await kept.drop('shop', stars.id), true)
    assert.deepEqual(await Array.fromAsync(registry.list('')), [])
  })

  test('are all there where several are kept at the same time', async () => {
    const kept = keptRepairs(createMemoryRegistry())
    const repairs = Array.from({ length: 20 }, (_, n) =>
      createRepair(stars.mends, [{ set: 'title', to: String(n) }]),
    )
    await Promise.all(repairs.map((repair) => kept.keep('shop', repair, by)))
    assert.deepEqual(idsOf(await kept.list('shop')).toSorted(), idsOf(repairs).toSorted())
  })

  test('are no more than every process can read again and again', async () => {
    const kept = keptRepairs(createMemoryRegistry())
    await kept.keep('shop', stars, by)
    const large = createRepair(stars.mends, [{ set: 'title', to: 'x'.repeat(70_000) }])
    await assert.rejects(kept.keep('shop', large, by), /USAGE|at most 64 KiB of repairs/)
    assert.deepEqual(idsOf(await kept.list('shop')), [stars.id])
  })

  test('are known at once to who begins to watch, and soon where they change', async () => {
    const registry = createMemoryRegistry()
    const kept = keptRepairs(registry)
    await kept.keep('shop', stars, by)
    await using watch = await watching(registry)
    assert.deepEqual(watch.of('shop'), [stars])
    assert.equal(watch.of('shop'), watch.of('shop'))
    assert.deepEqual(watch.of('outlet'), [])
    await watch.change()
    await kept.keep('shop', votes, by)
    await watch.change()
    assert.deepEqual(idsOf(watch.of('shop')), [stars.id, votes.id])
    await kept.drop('shop', stars.id)
    await kept.drop('shop', votes.id)
    await watch.change()
    assert.deepEqual(watch.of('shop'), [])
  })

  test('stay as they are while the registry is away, and are read once it is back', async () => {
    const registry = createMemoryRegistry()
    await keptRepairs(registry).keep('shop', stars, by)
    let isAway = true
    const shaky: Registry = {
      ...registry,
      list(prefix) {
        if (isAway) throw new TransientError('STORE_UNAVAILABLE', 'away')
        return registry.list(prefix)
      },
    }
    await using watch = await watching(shaky)
    assert.match(String(await watch.trouble()), /away/)
    assert.deepEqual(watch.of('shop'), [])
    isAway = false
    await watch.change()
    assert.deepEqual(watch.of('shop'), [stars])
    isAway = true
    await watch.trouble()
    assert.deepEqual(watch.of('shop'), [stars])
  })

  test('do not keep a process waiting for a registry that never answers', async () => {
    const registry = createMemoryRegistry()
    const silent: Registry = {
      ...registry,
      // oxlint-disable-next-line require-yield
      async *list(_, { signal } = {}) {
        await new Promise((_resolve, reject) =>
          signal?.addEventListener('abort', () => reject(signal.reason as Error)),
        )
      },
    }
    await using watch = await watching(silent)
    assert.deepEqual(watch.of('shop'), [])
  })
})
