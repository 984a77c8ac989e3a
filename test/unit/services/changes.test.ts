import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HeadwaterError } from '../../../src/errors.ts'
import { openChanges } from '../../../src/services/changes.ts'
import { openMutes } from '../../../src/services/mutes.ts'
import { createMemoryRegistry } from '../../conformance/memory-registry.ts'

const NOW = Date.UTC(2026, 0, 1)

const change = (n: number) => ({ who: 'ann@host', what: 'redrive', about: `cluster ${n}`, details: { n } })

describe('the log of changes', () => {
  test('says who did what and when, the newest first, a page at a time', async () => {
    const changes = openChanges(createMemoryRegistry(), () => NOW)
    for (let n = 0; n < 25; n++) await changes.note(change(n))
    const seen: unknown[] = []
    let after: string | undefined
    do {
      const page = await changes.list({ limit: 10, ...(after !== undefined && { after }) })
      assert.ok(page.changes.length <= 10)
      seen.push(...page.changes.map(({ details }) => details['n']))
      after = page.after
    } while (after !== undefined)
    assert.deepEqual(
      seen,
      Array.from({ length: 25 }, (_, n) => 24 - n),
    )
    const [newest] = (await changes.list({ limit: 1 })).changes
    assert.partialDeepStrictEqual(newest, { ...change(24), at: new Date(NOW + 24).toISOString() })
  })

  test('keeps the newest 10,000', async () => {
    const registry = createMemoryRegistry()
    let time = NOW
    const changes = openChanges(
      registry,
      () => time++,
      () => 1,
    )
    for (let n = 0; n < 10_005; n++) await changes.note(change(n))
    await openChanges(
      registry,
      () => time++,
      () => 0,
    ).note(change(10_005))
    const { changes: kept } = await changes.list({ limit: 20_000 })
    assert.equal(kept.length, 10_000)
    assert.equal(kept.at(-1)?.about, 'cluster 6')
  })
})

describe('mutes', () => {
  test('are set with a reason, replaced and taken back, and each is noted', async () => {
    const registry = createMemoryRegistry()
    const mutes = openMutes(registry, () => NOW)
    await mutes.mute('c1', 'expected', 'ann@host')
    await mutes.mute('c1', 'still expected', 'bob@host')
    const mute = { reason: 'still expected', by: 'bob@host', at: new Date(NOW).toISOString() }
    assert.deepEqual([...(await mutes.list())], [['c1', mute]])
    await mutes.unmute('c1', 'ann@host')
    assert.equal((await mutes.list()).size, 0)
    await assert.rejects(
      mutes.unmute('c1', 'ann@host'),
      (error) => error instanceof HeadwaterError && error.code === 'NOT_FOUND',
    )
    const { changes } = await openChanges(registry).list()
    assert.deepEqual(
      changes.map(({ what, who }) => `${what} ${who}`),
      ['unmute ann@host', 'mute bob@host', 'mute ann@host'],
    )
  })
})
