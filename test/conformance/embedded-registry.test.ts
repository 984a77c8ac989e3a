import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openRegistry } from '../../src/stores/embedded/registry.ts'
import { raceForLeases } from '../support/lease-race.ts'
import { raceOn } from '../support/registry-race.ts'
import { registryConformance } from './registry.ts'

const folder = await mkdtemp(join(tmpdir(), 'test-embedded-registry-'))
after(() => rm(folder, { recursive: true }))

registryConformance('embedded', { open: (name) => openRegistry(join(folder, name)) })

const module = join(import.meta.dirname, '../../src/stores/embedded/index.ts')

test('lets one of 51 writers in three processes win, and loses none of their increments', async () => {
  await raceOn(module, { dir: join(folder, 'test-shared') })
})

test('processes share by leases while one is killed, one is stopped for a while and one ends', async () => {
  await raceForLeases(module, { dir: join(folder, 'test-leases') }, 1_000)
})
