import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { beginImport } from '../../../src/services/import-runs.ts'
import { createLedger } from '../../../src/services/ledger.ts'
import { openRegistry } from '../../../src/stores/embedded/registry.ts'
import { prefixed } from '../../../src/stores/prefixed.ts'
import { temporaryFolder } from '../../support/temp.ts'

test('an import knows every run that took part, also those that began at once, until it is finished', async () => {
  await using folder = await temporaryFolder()
  await using registry = await openRegistry(join(folder.path, 'registry'))
  const own = prefixed(registry, 'import/1/')
  const runs = ['run-1', 'run-2', 'run-3']
  await Promise.all(runs.map((run) => beginImport(own, registry, run)))
  const ledger = createLedger(registry, 'p1')
  const signal = new AbortController().signal
  await ledger.settle(
    runs.map((run, seq) => [{ run, seq }, 'stored'] as const),
    signal,
  )

  const last = await beginImport(own, registry, 'run-4')
  assert.equal(last.isResumed, true)
  assert.deepEqual(await last.earlier(), { stored: 3, rejected: 0, unchanged: 0 })
  await last.finish()
  assert.equal((await beginImport(own, registry, 'run-5')).isResumed, false)
})
