import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiParts } from '../../../src/console/api/parts.ts'
import { sourceRoutes } from '../../../src/console/api/sources.ts'
import { createHealth } from '../../../src/telemetry/health.ts'

test('the list of sources asks for the health of all of them once, however many they are', async () => {
  const names = Array.from({ length: 1_000 }, (_, n) => `source-${n}`)
  const health = createHealth({ clock: () => 0, steady: () => 0 })
  for (const name of names) health.source(name, 'webhook')('running')
  let asked = 0
  const parts = {
    config: { sources: names.map((name) => ({ name, type: 'webhook', enabled: true })) },
    health: {
      sources() {
        asked++
        return health.sources()
      },
    },
    control: { stateOf: () => ({ paused: false }) },
    polling: () => undefined,
    throttle: async () => undefined,
    nextPoll: async () => undefined,
    clock: () => 0,
  } as unknown as ApiParts
  const list = sourceRoutes(parts).find(({ path }) => path === '/api/sources')
  const told = (await list?.handle({} as Parameters<typeof list.handle>[0])) as { state: string }[]
  assert.deepEqual(
    told.map(({ state }) => state),
    names.map(() => 'running'),
  )
  assert.equal(asked, 1)
})
