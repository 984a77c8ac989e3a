import assert from 'node:assert/strict'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { run } from '../support/cli.ts'
import { eventually, json, lines, type Row, rows, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { openPlace } from '../support/services.ts'
import { one } from '../support/store-reads.ts'
import { temporaryFolder } from '../support/temp.ts'

interface Cluster {
  readonly cluster: string
  readonly count: number
  readonly code: string
  readonly error: string
}

async function imported(folder: string, reviews: readonly string[]): Promise<void> {
  await writeFile(join(folder, 'reviews.ndjson'), reviews.join('\n'))
  await json(['import', 'reviews.ndjson'], folder)
}

async function send(webhook: string, reviews: readonly string[]): Promise<number> {
  const headers = { 'content-type': 'application/x-ndjson' }
  return (await fetch(webhook, { method: 'POST', headers, body: reviews.join('\n') })).status
}

const starred = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => review(`S${n}`, { rating: `${n % 5}.0 out of 5 stars` }))

describe('dead letters', () => {
  test('are listed by what they have in common, the most frequent first', async () => {
    await using folder = await temporaryFolder()
    await imported(folder.path, [
      ...starred(7),
      review('A', { user_id: null }),
      review('B'),
      review('C', { rating: 9 }),
    ])
    const clusters = await lines<Cluster>(['dlq', 'clusters'], folder.path)
    assert.deepEqual(clusters.map(({ count, code }) => `${count} ${code}`).toSorted(), [
      '1 invalid_rating',
      '1 missing_user_id',
      '7 invalid_rating',
    ])
    assert.match(clusters[0]?.error ?? '', /rating must be a number, found "0.0 out of 5 stars"/)
    const members = await lines<Row>(['dlq', 'list', '--cluster', clusters[0]?.cluster ?? ''], folder.path)
    assert.equal(members.length, 7)
    const shown = await run(['dlq', 'clusters'], { cwd: folder.path })
    assert.match(shown.stdout, /^[0-9a-f]{16} +7 +import +canonical@1 .*rating must be a number/m)
  })

  test('that were discarded can be erased for good, and no others', async () => {
    await using folder = await temporaryFolder()
    await imported(folder.path, [...starred(2), review('B')])
    const [first] = await lines<Row>(['dlq', 'list'], folder.path)
    await json(['dlq', 'discard', first?.key ?? '', '--reason', 'a test'], folder.path)
    const dry = await json<Record<string, number>>(['dlq', 'purge', '--dry-run'], folder.path)
    assert.equal(dry['wouldErase'], 1)
    assert.equal((await rows(folder.path)).length, 3)
    const wet = await json<Record<string, number>>(['dlq', 'purge'], folder.path)
    assert.deepEqual([wet['erased'], wet['bytes']], [1, dry['bytes']])
    const left = await rows(folder.path)
    assert.deepEqual([left.length, left.some(({ key }) => key === first?.key)], [2, false])
    assert.equal((await json<{ ok: boolean }>(['audit'], folder.path)).ok, true)
  })

  test('whose redrive was killed before it had published them are named by the audit: nobody knew of them', async () => {
    await using folder = await temporaryFolder()
    await imported(folder.path, [review('A')])
    const [row] = await rows(folder.path)
    const key = row?.key ?? ''
    {
      await using place = await openPlace(join(folder.path, 'data'))
      const stored = await one(place.store, key)
      assert.ok(stored && (await place.store.amend(key, 0, { ...stored.verdict, unpublished: true })))
    }
    const audit = await run(['audit'], { cwd: folder.path })
    assert.equal(audit.code, 0)
    assert.match(audit.stdout, new RegExp(`not published yet: ${key}\n.*dlq redrive KEY`))
    assert.equal((await json<{ status: string }>(['dlq', 'redrive', key], folder.path)).status, 'published')
    const { unpublished } = await json<{ unpublished: string[] }>(['audit'], folder.path)
    assert.deepEqual(unpublished, [])
  })

  test('wait at their limit while reviews go on, and go on themselves once there is room', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    await appendFile(join(folder.path, 'headwater.yaml'), 'dead_letters: { max_bytes: 1000 }\n')
    const { process: up, webhook } = await startUp(folder.path)
    await using _ = up
    const isThere = (reviewId: string) => async () => {
      const ids = (await rows(folder.path)).map(
        ({ raw = '{}' }) => (JSON.parse(raw) as { review_id?: string }).review_id,
      )
      return ids.includes(reviewId) ? true : undefined
    }
    // The limit is looked at before each batch, so that the first may go beyond it.
    assert.equal(await send(webhook, starred(10)), 202)
    await eventually(isThere('S9'), 'the dead letters up to the limit')
    assert.equal(await send(webhook, [review('late', { rating: 'six' })]), 202)
    const [line] = await up.waitFor(/DEAD_LETTERS_FULL.*/)
    assert.match(line, /dead_letters\.max_bytes.*dlq clusters/)
    assert.equal(await send(webhook, [review('good')]), 202)
    await eventually(isThere('good'), 'a good review')
    assert.equal(await isThere('late')(), undefined)

    for (const { key } of await lines<Row>(['dlq', 'list'], folder.path))
      await json(['dlq', 'discard', key, '--reason', 'a test'], folder.path)
    await json(['dlq', 'purge'], folder.path)
    await eventually(isThere('late'), 'the dead letter that waited')
  })
})
