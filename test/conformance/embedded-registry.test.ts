import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openRegistry } from '../../src/stores/embedded/registry.ts'
import { registryConformance } from './registry.ts'

const folder = await mkdtemp(join(tmpdir(), 'test-embedded-registry-'))
after(() => rm(folder, { recursive: true }))

registryConformance('embedded', { open: (name) => openRegistry(join(folder, name)) })

test('lets one of 51 writers in three processes win, and loses none of their increments', async () => {
  const shared = join(folder, 'test-shared')
  const writer = join(import.meta.dirname, '../support/registry-writer.ts')
  const writers = Array.from({ length: 3 }, () => fork(writer, [shared, '20']))
  const ended = writers.map((child) => once(child, 'exit'))
  await Promise.all(writers.map(message))
  const results = writers.map(message)
  for (const child of writers) child.send('go')
  const won = (await Promise.all(results)).map(Number)
  await Promise.all(ended)
  assert.equal(
    won.reduce((sum, count) => sum + count),
    1,
  )
  await using registry = await openRegistry(shared)
  assert.equal((await registry.get('counter'))?.value.toString(), '60')
})

async function message(child: ChildProcess): Promise<unknown> {
  const [said] = (await once(child, 'message')) as [unknown]
  return said
}
