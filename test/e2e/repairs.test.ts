import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { run } from '../support/cli.ts'
import { eventually, json, lines, type Row, rows, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

interface Cluster {
  readonly cluster: string
  readonly count: number
}

interface Kept {
  readonly source: string
  readonly id: string
  readonly steps: readonly object[]
}

interface Previewed {
  readonly looked: number
  readonly pass: number
  readonly kept: boolean
  readonly repair: { readonly id: string }
}

async function send(webhook: string, reviews: readonly string[]): Promise<number> {
  const headers = { 'content-type': 'application/x-ndjson' }
  return (await fetch(webhook, { method: 'POST', headers, body: reviews.join('\n') })).status
}

const starred = (id: string): string => review(id, { rating: '4.0 out of 5 stars' })

/** The stored row of a review, once it is there. */
const stored = (folder: string, reviewId: string): Promise<Row> =>
  eventually(
    async () => (await rows(folder)).find(({ raw = '' }) => raw.includes(`"${reviewId}"`)),
    `the row of ${reviewId}`,
  )

async function clusterIn(folder: string): Promise<Cluster> {
  const [cluster] = await lines<Cluster>(['dlq', 'clusters'], folder)
  assert.ok(cluster)
  return cluster
}

describe('a repair', () => {
  test('is suggested, previewed, kept, and mends what arrives next, while the source runs', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    const { process: up, webhook } = await startUp(folder.path)
    await using _ = up
    assert.equal(await send(webhook, ['S1', 'S2', 'S3'].map(starred)), 202)
    assert.equal((await stored(folder.path, 'S3')).verdict.status, 'rejected')
    const { cluster, count } = await clusterIn(folder.path)
    assert.equal(count, 3)

    const told = await run(['dlq', 'repair', cluster], { cwd: folder.path })
    assert.match(told.stdout, /read rating as stars: "4.0 out of 5 stars" → 4\n +mends 3 of the first 3/)
    const [, typed = ''] = /headwater (dlq repair .*)/.exec(told.stdout) ?? []
    assert.equal(typed, `dlq repair ${cluster} --parse rating=stars`)

    const seen = await run(typed.split(' '), { cwd: folder.path })
    assert.equal(seen.code, 0, seen.stderr)
    assert.match(seen.stdout, /3 letters looked at: 3 would pass, 0 would not/)
    assert.match(seen.stdout, /rating: "4.0 out of 5 stars" → 4/)
    assert.match(seen.stdout, /dlq redrive --cluster [0-9a-f]{16} --parse rating=stars/)
    assert.deepEqual(await lines<Kept>(['dlq', 'repairs'], folder.path), [])

    const previewed = await json<Previewed>([...typed.split(' '), '--keep'], folder.path)
    assert.deepEqual([previewed.pass, previewed.kept], [3, true])
    const [kept, ...more] = await lines<Kept>(['dlq', 'repairs', '--source', 'hook'], folder.path)
    assert.deepEqual([kept?.id, more.length], [previewed.repair.id, 0])

    await up.waitFor((line) => line.includes(previewed.repair.id) || undefined)
    assert.equal(await send(webhook, [starred('S4')]), 202)
    const { verdict } = await stored(folder.path, 'S4')
    assert.deepEqual([verdict.status, verdict.review?.['rating']], ['accepted', 4])
    // What was rejected before is accepted where it comes again.
    assert.equal(await send(webhook, [starred('S1')]), 202)
    await eventually(
      async () => (await stored(folder.path, 'S1')).verdict.status === 'accepted' || undefined,
      'the dead letter that came again',
    )
    assert.equal((await clusterIn(folder.path)).count, 2)

    await json(['dlq', 'repairs', '--drop', previewed.repair.id], folder.path)
    const changes = await lines<{ what: string; about: string }>(['changes', 'list'], folder.path)
    assert.deepEqual(
      changes.map(({ what, about }) => `${what}, ${about}`),
      ['drop repair, source hook', 'keep repair, source hook'],
    )
    await up.waitFor((line) => line.includes('"repairs":[]') || undefined)
    assert.equal(await send(webhook, [starred('S5')]), 202)
    assert.equal((await stored(folder.path, 'S5')).verdict.status, 'rejected')
    assert.equal((await json<{ ok: boolean }>(['audit'], folder.path)).ok, true)
  })

  test('that is kept is used by a redrive, a replay and the next import', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'one.ndjson'), ['S1', 'S2'].map(starred).join('\n'))
    await writeFile(join(folder.path, 'two.ndjson'), starred('S3'))
    await json(['import', 'one.ndjson'], folder.path)
    const { cluster } = await clusterIn(folder.path)
    await json(['dlq', 'repair', cluster, '--parse', 'rating=stars', '--keep'], folder.path)

    const replayed = await json<{ published: number }>(
      ['replay', '--to-file', 'replayed.ndjson', '--dry-run'],
      folder.path,
    )
    assert.equal(replayed.published, 2)
    const [letter] = await lines<Row>(['dlq', 'list'], folder.path)
    const redriven = await json<{ status: string; verdict: { by: { repairs: { kept?: true }[] } } }>(
      ['dlq', 'redrive', letter?.key ?? ''],
      folder.path,
    )
    assert.deepEqual([redriven.status, redriven.verdict.by.repairs[0]?.kept], ['published', true])
    await json(['import', 'two.ndjson'], folder.path)
    assert.equal((await stored(folder.path, 'S3')).verdict.status, 'accepted')
  })

  test('is refused in words where its steps, its cluster or its source make no sense', async () => {
    await using folder = await temporaryFolder()
    await writeFile(
      join(folder.path, 'reviews.ndjson'),
      [starred('S1'), review('B', { rating: 9 }), '{"review_id":'].join('\n'),
    )
    await writeFile(join(folder.path, 'steps.yaml'), '- { parse: rating, as: stars }\n- { remove: title }\n')
    await json(['import', 'reviews.ndjson'], folder.path)
    const clusters = await lines<Cluster & { code: string; error: string }>(['dlq', 'clusters'], folder.path)
    const idOf = (error: RegExp): string => clusters.find((one) => error.test(one.error))?.cluster ?? ''
    const words = idOf(/must be a number/)
    const fails = async (args: readonly string[], exit: number, why: RegExp): Promise<void> => {
      const { code, stderr, stdout } = await run(['dlq', ...args], { cwd: folder.path })
      assert.equal(code, exit, stderr)
      assert.match(stderr + stdout, why)
    }
    await fails(['repair', words, '--parse', 'rating=starz'], 2, /USAGE: the steps of a repair/)
    await fails(['repair', words, '--steps', 'steps.yaml', '--remove', 'title'], 2, /--steps: holds all/)
    await fails(['repair', words, '--steps', 'none.yaml'], 2, /--steps: cannot read none.yaml/)
    await fails(['repair', words, '--keep'], 2, /--keep: needs the steps/)
    await fails(['repair', '0123456789abcdef'], 1, /NOT_FOUND: no dead letter of the cluster/)
    await fails(['repair', idOf(/not JSON/)], 2, /a repair mends a field of a review/)
    await fails(['repair', idOf(/at most 5|<= 5|9/), '--parse', 'rating=stars', '--keep'], 1, /not kept/)
    await fails(['repairs', '--drop', '0123456789ab'], 1, /NOT_FOUND: no repair 0123456789ab is kept/)
    const fromFile = await json<Previewed>(['dlq', 'repair', words, '--steps', 'steps.yaml'], folder.path)
    assert.deepEqual([fromFile.pass, fromFile.kept], [1, false])
    const none = await run(['dlq', 'repair', idOf(/at most 5|<= 5|9/)], { cwd: folder.path })
    assert.match(none.stdout, /no suggestion/)
  })
})
