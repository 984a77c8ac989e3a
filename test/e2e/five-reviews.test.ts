import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { run } from '../support/cli.ts'
import { eventually, json, lines, rows, startUp, writeConfig } from '../support/pipeline.ts'
import { FIVE } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

async function assertThreeAndTwo(folder: string): Promise<void> {
  const all = await rows(folder)
  const of = (status: string) =>
    all.filter(({ verdict }) => verdict.status === status).map(({ raw }) => raw ?? '')
  assert.deepEqual(of('accepted').toSorted(), FIVE.slice(0, 3))
  assert.deepEqual(of('rejected').toSorted(), FIVE.slice(3).toSorted())

  interface DeadLetter {
    readonly data: { readonly error: string; readonly data: unknown }
  }
  const deadLetters = await lines<DeadLetter>(['tail', 'dead-letter-queue', '--limit', '2'], folder)
  const errors = new Map(deadLetters.map(({ data }) => [JSON.stringify(data.data), data.error]))
  assert.match(errors.get(FIVE[3] ?? '') ?? '', /product_id/)
  assert.match(errors.get(FIVE[4] ?? '') ?? '', /rating/)
}

describe('five reviews: three are stored, two are dead letters that name the field', () => {
  test('by file', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'five.ndjson'), FIVE.join('\n'))
    const { seconds: _, ...first } = await json<Record<string, number>>(
      ['import', 'five.ndjson'],
      folder.path,
    )
    assert.deepEqual(first, { received: 5, published: 5, unchanged: 0, rejected: 2, stored: 3 })
    await assertThreeAndTwo(folder.path)

    const { seconds: __, ...second } = await json<Record<string, number>>(
      ['import', 'five.ndjson'],
      folder.path,
    )
    assert.deepEqual(
      second,
      { received: 5, published: 5, unchanged: 5, rejected: 0, stored: 0 },
      'a finished file again',
    )
    assert.equal((await run(['audit'], { cwd: folder.path })).code, 0)
  })

  test('by webhook, with an answer an item, and everything still there after a restart', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    const first = await startUp(folder.path)
    await using _ = first.process
    const send = (body: string, type = 'application/json') =>
      fetch(first.webhook, { method: 'POST', headers: { 'content-type': type }, body })

    const response = await send(`[${FIVE.join(',')}]`)
    assert.equal(response.status, 202)
    const answer = (await response.json()) as { errors: { index: number; code: string }[] }
    assert.deepEqual(
      { ...answer, errors: answer.errors.map(({ index, code }) => [index, code]) },
      {
        received: 5,
        accepted: 3,
        unchanged: 0,
        rejected: 2,
        errors: [
          [3, 'missing_product_id'],
          [4, 'invalid_rating'],
        ],
      },
    )
    const again = await send(FIVE.join('\n'), 'application/x-ndjson')
    assert.deepEqual(await again.json(), { received: 5, accepted: 0, unchanged: 5, rejected: 0, errors: [] })

    const exit = await first.process.stop('SIGINT')
    assert.equal(exit.code, 0, exit.stderr)
    const { event: __, seconds: ___, ...counts } = JSON.parse(exit.stdout.trim().split('\n').at(-1) ?? '')
    assert.equal(counts.received, counts.stored + counts.unchanged + counts.rejected)

    const second = await startUp(folder.path)
    await using ____ = second.process
    await eventually(async () => ((await rows(folder.path)).length === 5 ? true : undefined), 'five rows')
    await second.process.stop()
    await assertThreeAndTwo(folder.path)
  })
})
