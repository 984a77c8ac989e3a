import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { TransientError } from '../../../src/errors.ts'
import { withCaution } from '../../../src/services/caution.ts'
import type { Into } from '../../../src/services/narrow.ts'
import { openRegistry } from '../../../src/stores/embedded/registry.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { temporaryFolder } from '../../support/temp.ts'

const never = new AbortController().signal
const acceptAll: Into<string> = async (items) => items.map(() => 'accepted')

/** A start of the process; it ended uncleanly unless `finish` is called. */
function start(registry: Registry, into: Into<string>, convicted: string[] = []) {
  return withCaution<string>(
    {
      registry,
      topic: 't',
      clock: Date.now,
      into,
      suspects: 4,
      bytesOf: (item) => Buffer.from(item),
      async convict(item) {
        convicted.push(item)
        return 'accepted'
      },
    },
    never,
  )
}

async function withRegistry(run: (registry: Registry) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder()
  await using registry = await openRegistry(join(folder.path, 'registry'))
  await run(registry)
}

/** What a process of another machine notes of itself. */
async function showStart(registry: Registry, name: string, aliveAt: number): Promise<void> {
  const sign = Buffer.from(JSON.stringify({ host: 'another machine', pid: 1, aliveAt }))
  assert.ok(await registry.compareAndSet(name, (await registry.get(name))?.revision ?? 0, sign))
}

/** How large the calls are that a process makes for one batch of two. */
async function sizesAtStart(registry: Registry): Promise<number[]> {
  const sizes: number[] = []
  const { into } = await start(registry, async (items, signal) => {
    sizes.push(items.length)
    return acceptAll(items, signal)
  })
  await into(['a', 'b'], never)
  return sizes
}

describe('caution', () => {
  test('takes one by one what was tried when a process ended that took care after two others, until a clean end', async () => {
    await withRegistry(async (registry) => {
      assert.deepEqual(await sizesAtStart(registry), [2])
      assert.deepEqual(await sizesAtStart(registry), [2])
      assert.deepEqual(await sizesAtStart(registry), [2])
      assert.deepEqual(await sizesAtStart(registry), [1, 1])
      await (await start(registry, acceptAll)).finish()
      assert.deepEqual(await sizesAtStart(registry), [2])
    })
  })

  test('is not called for by processes that started beside this one and still run', async () => {
    await withRegistry(async (registry) => {
      const others = ['a', 'b', 'c'].map((id) => ({ name: `storage/starts/t/${id}`, at: Date.now() }))
      for (const { name, at } of others) await showStart(registry, name, at)
      assert.deepEqual(await sizesAtStart(registry), [2])
      for (const { name } of others) await showStart(registry, name, Date.now() - 3_600_000)
      assert.deepEqual(await sizesAtStart(registry), [2])
      assert.deepEqual(await sizesAtStart(registry), [1, 1])
    })
  })

  test('waits for a registry that is away when the process starts, and takes no trouble for an end', async () => {
    await withRegistry(async (registry) => {
      let failures = 0
      const away: Registry = {
        ...registry,
        async compareAndSet(...args) {
          const isSet = await registry.compareAndSet(...args)
          // The answer is lost.
          if (failures++ < 3) throw new TransientError('BACKEND_FAILING', 'not now')
          return isSet
        },
        list: (...args) => {
          if (failures++ < 3) throw new TransientError('BACKEND_FAILING', 'not now')
          return registry.list(...args)
        },
      }
      const { finish } = await start(away, acceptAll)
      assert.equal(failures, 5)
      await finish()
      assert.deepEqual(await sizesAtStart(registry), [2])
    })
  })

  test('notes large batches in groups, so that a note is written for dozens of messages', async () => {
    await withRegistry(async (registry) => {
      let writes = 0
      const counted: Registry = {
        ...registry,
        compareAndSet(...args) {
          writes++
          return registry.compareAndSet(...args)
        },
      }
      await start(registry, acceptAll)
      await start(registry, acceptAll)
      const { into } = await start(counted, acceptAll)
      await into(
        Array.from({ length: 640 }, (_, n) => `${n}`),
        never,
      )
      assert.equal(writes, 11)
    })
  })

  test('is not over while one of the first is under way, however many others pass', async () => {
    await withRegistry(async (registry) => {
      const slow = Promise.withResolvers<void>()
      const { into } = await start(registry, async (items, signal) => {
        if (items.includes('slow')) await slow.promise
        return acceptAll(items, signal)
      })
      const starts = async () => (await Array.fromAsync(registry.list('storage/starts/t/'))).length
      const first = into(['slow'], never)
      for (let n = 0; n < 3; n++) await into(['a', 'b'], never)
      assert.equal(await starts(), 1)
      slow.resolve()
      await first
      assert.equal(await starts(), 0)
    })
  })

  test('blames nobody for trouble that is thrown, however often it is tried again', async () => {
    await withRegistry(async (registry) => {
      const convicted: string[] = []
      await start(registry, acceptAll)
      await start(registry, acceptAll)
      let isDown = true
      const { into } = await start(
        registry,
        async (items, signal) => {
          if (isDown) throw new TransientError('BACKEND_FAILING', 'not now')
          return acceptAll(items, signal)
        },
        convicted,
      )
      for (let attempt = 0; attempt < 10; attempt++)
        await assert.rejects(into(['a', 'b'], never), TransientError)
      isDown = false
      assert.deepEqual(await into(['a', 'b'], never), ['accepted', 'accepted'])
      assert.deepEqual(convicted, [])
    })
  })

  test('blames only the culprit, and not what is handed over beside it', async () => {
    await withRegistry(async (registry) => {
      const convicted: string[] = []
      for (let end = 1; end <= 6; end++) {
        const { promise: trying, resolve: tried } = Promise.withResolvers<void>()
        const { into } = await start(registry, async (items, signal) => {
          if (!items.includes('culprit')) return acceptAll(items, signal)
          tried()
          return new Promise<never>(() => {})
        })
        // The process ends within these calls.
        void into(['culprit'], never)
        void into(['innocent'], never)
        await trying
      }
      const { into } = await start(registry, acceptAll, convicted)
      await Promise.all([into(['culprit'], never), into(['innocent'], never)])
      assert.deepEqual(convicted, ['culprit'])
    })
  })
})
