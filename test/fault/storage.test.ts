import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { countsOf } from '../../src/services/ledger.ts'
import { startProgram } from '../support/cli.ts'
import { numbered } from '../support/records.ts'
import { messageOf, openPlace } from '../support/services.ts'
import { all } from '../support/store-reads.ts'
import { temporaryFolder } from '../support/temp.ts'

const program = join(import.meta.dirname, '../support/storage-until.ts')
/** Two unclean ends may have had any cause, a third tells the group; three while one message was tried alone have no other. */
const ENDS = 6

async function storeUntil(folder: string, ...step: readonly string[]): Promise<NodeJS.Signals | null> {
  await using running = startProgram(process.execPath, [program, folder, ...step])
  const { code, signal, stderr } = await running.exited
  assert.ok(signal !== null || code === 0, stderr)
  return signal
}

// Each start waits until the lease of the last one is over.
describe('the storage service, killed', { concurrency: true }, () => {
  for (const step of ['stored', 'settled']) {
    test(`behind what is ${step}, counts nothing twice and nothing wrong when the batch comes again`, async () => {
      await using folder = await temporaryFolder()
      const records = numbered(30)
      const again = records
        .slice(0, 5)
        .map((record, n) => ({ ...record, ledger: { run: 'run-1', seq: 30 + n } }))
      {
        await using place = await openPlace(folder.path)
        await place.queue.publish([...records, ...again].map(messageOf))
      }
      assert.equal(await storeUntil(folder.path, step), 'SIGKILL')
      assert.equal(await storeUntil(folder.path, step), 'SIGKILL')
      assert.equal(await storeUntil(folder.path, 'none'), null)

      await using place = await openPlace(folder.path)
      assert.deepEqual(await countsOf(place.registry, 'run-1'), { stored: 30, rejected: 0, unchanged: 5 })
      assert.equal((await all(place.store, { by: 'time' })).length, 30)
      assert.equal(await place.queue.backlog?.('storage'), 0)
    })
  }

  test('by one message again and again, finds it, keeps it as a dead letter and stores its neighbours', async () => {
    await using folder = await temporaryFolder()
    const records = numbered(25)
    const culprit = records[11]
    assert.ok(culprit)
    {
      await using place = await openPlace(folder.path)
      await place.queue.publish(records.map(messageOf))
    }
    for (let end = 1; end <= ENDS; end++)
      assert.equal(await storeUntil(folder.path, 'put', culprit.key), 'SIGKILL', `end ${end}`)
    assert.equal(await storeUntil(folder.path, 'put', culprit.key), null)

    await using place = await openPlace(folder.path)
    const rows = await all(place.store, { by: 'time' })
    const dead = rows.flatMap(({ key, verdict }) =>
      verdict.status === 'rejected' ? [[key, verdict.code]] : [],
    )
    assert.deepEqual(dead, [[culprit.key, 'poison']])
    assert.equal(rows.length, records.length)
    assert.deepEqual(await countsOf(place.registry, 'run-1'), { stored: 24, rejected: 1, unchanged: 0 })
    assert.deepEqual(
      await Array.fromAsync(place.registry.list('storage/')),
      [],
      'nothing is left of the search',
    )
  })
})
