import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ApiParts } from '../../../src/console/api/parts.ts'
import { recordRoutes } from '../../../src/console/api/records.ts'
import { repairRoutes } from '../../../src/console/api/repairs.ts'
import type { Asked, Route } from '../../../src/console/route.ts'
import { HeadwaterError, TransientError } from '../../../src/errors.ts'
import { loadPreset } from '../../../src/presets/index.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import { createRepair } from '../../../src/review/repair.ts'
import { openChanges } from '../../../src/services/changes.ts'
import { changeSource } from '../../../src/services/control.ts'
import { openMutes } from '../../../src/services/mutes.ts'
import { keptRepairs } from '../../../src/services/repairs.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { put, rejected } from '../../support/records.ts'
import { openPlace, type Place } from '../../support/services.ts'
import { one } from '../../support/store-reads.ts'
import { temporaryFolder } from '../../support/temp.ts'

const FAULT = { pointer: '/rating', keyword: 'type' }
const STEPS = [{ set: 'rating', to: 4 }] as const
const LETTER = rejected(1, 'a'.repeat(16))
const SHOP = { name: 'shop', type: 'webhook' }
const by = 'a test'

/** A registry that takes everything but what belongs into the log of changes. */
const withoutLog = (registry: Registry): Registry => ({
  ...registry,
  async compareAndSet(name, ...rest) {
    if (name.startsWith('changes/')) throw new TransientError('STORE_UNAVAILABLE', 'the database is away')
    return registry.compareAndSet(name, ...rest)
  },
})

/** What the console does to the parts of a place, by the method and path of the route. */
async function consoleOf({ store, queue, registry }: Place, log: Registry) {
  const rules = compileRules(await loadPreset('canonical'))
  const parts = {
    store,
    registry,
    reviews: queue,
    config: { sources: [SHOP] },
    changes: openChanges(log),
    kept: keptRepairs(registry),
    clusters: { forget: () => {} },
    openRules: async () => async () => rules,
    newNumber: () => () => ({ run: 'console', seq: 0 }),
    clock: Date.now,
  } as unknown as ApiParts
  const routes: readonly Route[] = [...recordRoutes(parts), ...repairRoutes(parts)]
  return async (name: string, asked: Partial<Asked<unknown, unknown, unknown>>): Promise<unknown> => {
    const route = routes.find(({ method, path }) => `${method} ${path}` === name)
    assert.ok(route, name)
    const signal = new AbortController().signal
    const who = { role: 'operator', name: by }
    return route.handle({ body: {}, ...asked, who, signal } as Asked<unknown, unknown, unknown>)
  }
}

const isAway = (error: unknown): boolean =>
  error instanceof HeadwaterError && error.code === 'STORE_UNAVAILABLE'

describe('a change that can not be noted', () => {
  test('is not made: the log of changes missed it', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const { store, registry } = place
    const log = withoutLog(registry)
    await put(store, [LETTER])
    const kept = keptRepairs(registry)
    const { id } = await kept.keep('shop', createRepair(FAULT, STEPS), { by, at: '2026-01-01T00:00:00Z' })
    await openMutes(registry).mute('muted', 'expected', by)
    const ask = await consoleOf(place, log)
    const params = { key: LETTER.key }

    for (const attempt of [
      () => changeSource(log, SHOP, { wanted: 'pause', by, at: 0 }),
      () => openMutes(log).mute('other', 'expected', by),
      () => openMutes(log).unmute('muted', by),
      () =>
        ask('POST /api/repairs', { body: { source: 'shop', mends: FAULT, steps: [{ remove: 'title' }] } }),
      () => ask('DELETE /api/repairs/{source}/{id}', { params: { source: 'shop', id } }),
      () => ask('POST /api/records/{key}/redrive', { params }),
      () => ask('POST /api/records/{key}/discard', { params, body: { reason: 'a test' } }),
    ])
      await assert.rejects(attempt, isAway)

    assert.equal(await registry.get('control/shop'), undefined)
    assert.deepEqual([...(await openMutes(registry).list()).keys()], ['muted'])
    assert.deepEqual(
      (await kept.list()).map((repair) => repair.id),
      [id],
    )
    assert.deepEqual((await one(store, LETTER.key))?.verdict, LETTER.verdict)
  })
})

describe('a change that is noted', () => {
  test('says so too where it fails or does less than it was to do, and is not noted where there is nothing to change', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    await put(place.store, [LETTER])
    const ask = await consoleOf(place, place.registry)
    const nowhere = { key: '0'.repeat(32) }
    const drop = 'DELETE /api/repairs/{source}/{id}'
    const failsWith = (code: string) => (error: unknown) =>
      error instanceof HeadwaterError && error.code === code

    await assert.rejects(ask(drop, { params: { source: 'shop', id: 'none' } }), failsWith('NOT_FOUND'))
    await ask('POST /api/records/{key}/redrive', { params: { key: LETTER.key } })
    await assert.rejects(ask('POST /api/records/{key}/redrive', { params: nowhere }), failsWith('NOT_FOUND'))

    const { changes } = await openChanges(place.registry).list()
    assert.deepEqual(changes.map(({ about, details }) => [about.slice(0, 12), details]).toReversed(), [
      [`record ${LETTER.key}`.slice(0, 12), {}],
      [`record ${LETTER.key}`.slice(0, 12), { status: 'rejected' }],
      ['record 00000', {}],
      ['record 00000', { failed: 'NOT_FOUND' }],
    ])
  })
})
