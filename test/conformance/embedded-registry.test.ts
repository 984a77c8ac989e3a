import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openRegistry } from '../../src/stores/embedded/registry.ts'
import { raceOn } from '../support/registry-race.ts'
import { registryConformance } from './registry.ts'

const folder = await mkdtemp(join(tmpdir(), 'test-embedded-registry-'))
after(() => rm(folder, { recursive: true }))

registryConformance('embedded', { open: (name) => openRegistry(join(folder, name)) })

test('lets one of 51 writers in three processes win, and loses none of their increments', async () => {
  const module = join(import.meta.dirname, '../../src/stores/embedded/index.ts')
  await raceOn(module, { dir: join(folder, 'test-shared') })
})
