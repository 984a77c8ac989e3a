import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { halfOf } from '../../src/review/key.ts'
import { eraseRecords, eraseReviews } from '../../src/services/erasing.ts'
import { run } from '../support/cli.ts'
import { eventually, json, lines, type Row, rows, startUp, writeConfig } from '../support/pipeline.ts'
import { accepted, put, rejected } from '../support/records.ts'
import { review } from '../support/reviews.ts'
import { openPlace } from '../support/services.ts'
import { temporaryFolder } from '../support/temp.ts'

const VERSIONS = [
  review('R1', { review_text: 'It leaks.' }),
  review('R1', { review_text: 'It leaks. They sent another one.' }),
  review('R1', { review_text: 'It leaks.', rating: 6 }),
]

async function send(webhook: string, body: string): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/x-ndjson' }
  const response = await fetch(webhook, { method: 'POST', headers, body })
  assert.equal(response.status, 202)
  return (await response.json()) as Record<string, unknown>
}

const stored = (folder: string, count: number): Promise<Row[]> =>
  eventually(async () => {
    const all = await rows(folder)
    return all.length === count ? all : undefined
  }, `${count} rows`)

const textsOf = (found: readonly Row[]): unknown[] =>
  found.map(({ raw = '{}' }) => (JSON.parse(raw) as { review_text: unknown }).review_text)

describe('one review', () => {
  test('has a history: all its versions and dead letters, in the order in which they came', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    const { process: up, webhook } = await startUp(folder.path)
    await using _ = up
    for (const version of [...VERSIONS, review('R2')]) await send(webhook, version)
    await stored(folder.path, 4)

    const history = await lines<Row>(['reviews', 'history', 'R1'], folder.path)
    assert.deepEqual(textsOf(history), ['It leaks.', 'It leaks. They sent another one.', 'It leaks.'])
    assert.deepEqual(
      history.map(({ verdict }) => verdict.code ?? verdict.status),
      ['accepted', 'accepted', 'invalid_rating'],
    )
    const { stdout } = await run(['reviews', 'history', 'R1'], { cwd: folder.path })
    for (const line of stdout.trimEnd().split('\n')) assert.match(line, / \(stored after \d+(\.\d)? m?s\)$/)
    assert.deepEqual(await lines(['reviews', 'history', 'R1', '--source', 'elsewhere'], folder.path), [])
    const none = await run(['reviews', 'history', 'R9'], { cwd: folder.path })
    assert.deepEqual([none.code, none.stdout], [0, ''])
    assert.match(none.stderr, /nothing found/)
  })

  test('that is erased is gone with all its versions, and its sender does not bring it back', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    {
      const { process: up, webhook } = await startUp(folder.path)
      await using _ = up
      for (const version of [...VERSIONS, review('R2')]) await send(webhook, version)
      await stored(folder.path, 4)

      const shown = await lines<Row>(['reviews', 'erase', '--review', 'R1', '--dry-run'], folder.path)
      assert.equal(shown.length, 3)
      assert.equal((await rows(folder.path)).length, 4, 'a dry run erases nothing')

      const { erased } = await json<{ erased: string[] }>(
        ['reviews', 'erase', shown[2]?.key ?? ''],
        folder.path,
      )
      assert.deepEqual(erased.toSorted(), shown.map(({ key }) => key).toSorted())
      assert.equal((await rows(folder.path)).length, 1)

      const again = await send(webhook, `${VERSIONS[0]}\n${review('R1', { review_text: 'A third text.' })}`)
      assert.deepEqual([again['received'], again['unchanged']], [2, 2])
      assert.equal((await up.stop('SIGINT')).code, 0)
    }
    // Also in a process that never saw it.
    const { process: up, webhook } = await startUp(folder.path)
    await using _ = up
    await send(webhook, VERSIONS[1] ?? '')
    await send(webhook, review('R3'))
    await stored(folder.path, 2)
    assert.equal((await json<{ ok: boolean }>(['audit'], folder.path)).ok, true)
  })

  test('whose erasure was cut off is erased by the same key again: the record was not found any more', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    await using place = await openPlace(join(folder.path, 'data'))
    const [record, letter] = [accepted(1), rejected(2, 'c1')]
    await put(place.store, [record, letter])
    async function erase(keys: readonly string[]): Promise<void> {
      await place.store.erase(keys)
      throw new Error('cut off')
    }
    const cutOff = { store: { ...place.store, erase }, registry: place.registry }
    const { signal } = new AbortController()
    const erasing = () => Array.fromAsync(place.registry.list('erasing/'))
    await assert.rejects(eraseReviews([halfOf(record.key)], cutOff, signal), /cut off/)
    assert.deepEqual(await json(['reviews', 'erase', record.key], folder.path), { erased: [] })
    assert.deepEqual(await erasing(), [])

    // What was cut off elsewhere is finished as well.
    await assert.rejects(eraseRecords([letter.key], cutOff, signal), /cut off/)
    assert.equal((await erasing()).length, 1)
    await json(['reviews', 'erase', record.key], folder.path)
    assert.deepEqual(await erasing(), [])
  })

  test('is named by a key or by its id, and by one of them only', async () => {
    await using folder = await temporaryFolder()
    for (const args of [[], ['0'.repeat(32), '--review', 'R1']]) {
      const { code, stderr } = await run(['reviews', 'erase', ...args], { cwd: folder.path })
      assert.deepEqual([code, /expected the key of a record, or --review ID/.test(stderr)], [2, true])
    }
    assert.equal((await run(['reviews', 'erase', '0'.repeat(32)], { cwd: folder.path })).code, 1)
  })
})
