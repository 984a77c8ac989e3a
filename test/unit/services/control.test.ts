import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openChanges } from '../../../src/services/changes.ts'
import { changeSource, watchControl, whilePermitted } from '../../../src/services/control.ts'
import { HeadwaterError } from '../../../src/errors.ts'
import type { Permit } from '../../../src/sources/source.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { createMemoryRegistry } from '../../conformance/memory-registry.ts'

const SHOP = { name: 'shop', type: 'http-poll' }
const about = { by: 'a test', at: Date.UTC(2026, 0, 1) }
const unheard = (error: unknown): void => assert.fail(String(error))

const failsWith = (code: string) => (error: unknown) => error instanceof HeadwaterError && error.code === code

describe('the control of sources', () => {
  test('is the same for every process, keeps its reason, and is noted', async () => {
    const registry = createMemoryRegistry()
    await changeSource(registry, SHOP, { ...about, wanted: 'pause', reason: 'the quota is for others' })
    await using control = await watchControl(registry, unheard)
    assert.deepEqual(control.stateOf('shop'), { ...about, paused: true, reason: 'the quota is for others' })
    assert.equal(control.permitOf('shop').isPaused, true)
    assert.deepEqual(control.stateOf('another'), { paused: false })
    await assert.rejects(changeSource(registry, SHOP, { ...about, wanted: 'poll' }), failsWith('CONFLICT'))
    await changeSource(registry, SHOP, { ...about, at: about.at + 1, wanted: 'resume' })
    await changeSource(registry, SHOP, { ...about, at: about.at + 2, wanted: 'poll' })
    await control.refresh()
    assert.deepEqual(control.stateOf('shop'), {
      ...about,
      at: about.at + 1,
      paused: false,
      pollAt: about.at + 2,
    })
    const { changes } = await openChanges(registry).list()
    assert.deepEqual(changes.map(({ what, who, details }) => [what, who, details]).toReversed(), [
      ['pause source', 'a test', { reason: 'the quota is for others' }],
      ['resume source', 'a test', {}],
      ['poll source', 'a test', {}],
    ])
  })

  test('polls nothing that is not polled', async () => {
    const hook = { name: 'hook', type: 'webhook' }
    await assert.rejects(
      changeSource(createMemoryRegistry(), hook, { ...about, wanted: 'poll' }),
      failsWith('USAGE'),
    )
  })

  test('lets everything run where the registry is away, and what nobody can read says nothing', async () => {
    const registry = createMemoryRegistry()
    await registry.compareAndSet('control/shop', 0, Buffer.from('{'))
    const away: Registry = {
      ...registry,
      list: () => {
        throw new Error('away')
      },
    }
    const troubles: unknown[] = []
    await using control = await watchControl(away, (error) => void troubles.push(error))
    assert.equal(control.permitOf('shop').isPaused, false)
    assert.equal(troubles.length, 1)
    await using other = await watchControl(registry, unheard)
    assert.equal(other.permitOf('shop').isPaused, false)
  })

  test('asks a source for nothing more while it is paused, and ends with it', async () => {
    let isPaused = false
    let asked = 0
    const { promise: isWaiting, resolve: waits } = Promise.withResolvers<void>()
    const { promise: changed, resolve: change } = Promise.withResolvers<void>()
    const permit: Permit = {
      get isPaused() {
        return isPaused
      },
      pollAt: undefined,
      changed() {
        waits()
        return changed
      },
    }
    async function* source(): AsyncGenerator<number> {
      while (asked < 3) yield ++asked
    }
    const reading = whilePermitted(source(), permit, new AbortController().signal)
    assert.equal((await reading.next()).value, 1)
    isPaused = true
    const second = reading.next()
    await isWaiting
    assert.equal(asked, 1)
    isPaused = false
    change()
    assert.equal((await second).value, 2)
    assert.deepEqual(await Array.fromAsync(reading), [3])
  })
})
