import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { run } from '../support/cli.ts'
import { json, type Row, rows } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

interface Told {
  readonly looked: number
  readonly accepted: number
  readonly rejected: number
  readonly newlyRejected: Grouped
  readonly rescued: Grouped
  readonly changed: { readonly count: number; readonly fields: Readonly<Record<string, number>> }
}

interface Grouped {
  readonly count: number
  readonly unlisted: number
  readonly clusters: readonly {
    readonly code: string
    readonly message: string
    readonly count: number
    readonly sample: string
  }[]
}

const many = (count: number, id: string, more: object = {}): string[] =>
  Array.from({ length: count }, (_, n) => review(`${id}${n}`, { review_text: `${id} ${n}`, ...more }))

/** 60 good reviews, of which 7 have a rating of 0 and 4 no title; 9 dead letters by their rating, 2 for want of a user. */
const STORED = [
  ...many(49, 'good', { title: 'Fine' }),
  ...many(7, 'zero', { title: 'Bad', rating: 0 }),
  ...many(4, 'bare'),
  ...many(9, 'starred', { title: 'Fine', rating: '4.0 out of 5 stars' }),
  ...many(2, 'nobody', { title: 'Fine', user_id: null }),
]

const STRICTER = {
  $ref: 'urn:headwater:review:1',
  required: ['title'],
  properties: { rating: { minimum: 1 } },
}

const FIELDS = ['review_id', 'product_id', 'user_id', 'review_text', 'review_timestamp', 'title']
  .map((name) => `  ${name}: { from: /${name} }\n`)
  .join('')
const preset = (rating: string): string => `name: canonical\nversion: 2\nfields:\n${FIELDS}${rating}`

describe('schema try', () => {
  test('a stricter schema rejects what is planted, in its clusters, and changes nothing', async () => {
    await using folder = await temporaryFolder()
    await stored(folder.path)
    await writeFile(join(folder.path, 'stricter.json'), JSON.stringify(STRICTER))
    const before = await rows(folder.path)
    const told = await json<Told>(['schema', 'try', 'stricter.json', '--since', '7d'], folder.path)
    assert.deepEqual([told.looked, told.accepted, told.rejected], [71, 60, 11])
    assert.deepEqual(shown(told.newlyRejected), [
      '7 invalid_rating: rating must be at least 1, found 0',
      '4 missing_title: title is missing: it must be present and not null',
    ])
    assert.deepEqual([told.newlyRejected.count, told.newlyRejected.unlisted, told.rescued.count], [11, 0, 0])
    const [ratings, titles] = told.newlyRejected.clusters
    assert.match(textOf(before, ratings?.sample), /^zero \d$/)
    assert.match(textOf(before, titles?.sample), /^bare \d$/)
    assert.deepEqual(await rows(folder.path), before)

    const { code, stdout } = await run(['schema', 'try', 'stricter.json'], { cwd: folder.path })
    assert.equal(code, 0)
    assert.match(stdout, /^would newly reject 11 of 60 accepted records, in these 2 clusters:\n {2}7 +import/)
    assert.match(stdout, /^would rescue 0 of 11 dead letters$/m)
  })

  test('a laxer schema rescues what it allows', async () => {
    await using folder = await temporaryFolder()
    await stored(folder.path)
    const laxer = {
      type: 'object',
      properties: { rating: { type: ['number', 'string'] } },
      required: ['user_id'],
    }
    await writeFile(join(folder.path, 'laxer.json'), JSON.stringify(laxer))
    const told = await json<Told>(['schema', 'try', 'laxer.json'], folder.path)
    assert.deepEqual(shown(told.rescued), [
      '9 invalid_rating: rating must be a number, found "4.0 out of 5 stars"',
    ])
    assert.equal(told.newlyRejected.count, 0)
  })

  test('a better preset rescues the dead letters that it can read, and tells what it reads differently', async () => {
    await using folder = await temporaryFolder()
    await stored(folder.path)
    await writeFile(join(folder.path, 'better.yaml'), preset('  rating: { from: /rating, parse: stars }\n'))
    const better = await json<Told>(['schema', 'try', './better.yaml'], folder.path)
    assert.deepEqual([better.rescued.count, better.newlyRejected.count, better.changed.count], [9, 0, 0])
    assert.equal(better.rescued.clusters.length, 1)

    await writeFile(join(folder.path, 'other.yaml'), preset('  rating: { value: 4 }\n'))
    const other = await json<Told>(['schema', 'try', 'other.yaml'], folder.path)
    assert.deepEqual(other.changed, { count: 7, fields: { rating: 7 } })
    const { stdout } = await run(['schema', 'try', 'other.yaml'], { cwd: folder.path })
    assert.match(stdout, /^would read 7 accepted reviews differently: rating 7$/m)
  })

  test('looks at what is selected, and with a preset of another name at nothing unless a source is named', async () => {
    await using folder = await temporaryFolder()
    await stored(folder.path)
    await writeFile(join(folder.path, 'stricter.json'), JSON.stringify(STRICTER))
    const looked = async (...more: string[]): Promise<number> =>
      (await json<Told>(['schema', 'try', ...more], folder.path)).looked
    assert.equal(await looked('stricter.json', '--to', '2020-01-01'), 0)
    assert.equal(await looked('stricter.json', '--source', 'another'), 0)
    assert.equal(await looked('stricter.json', '--product', 'B00123'), 71)
    assert.equal(await looked('rainforest'), 0)
    assert.equal(await looked('rainforest', '--source', 'import'), 71)
  })

  test('leaves discarded dead letters out, and honours a review that was mended by hand', async () => {
    await using folder = await temporaryFolder()
    await stored(folder.path)
    const dead = (await rows(folder.path)).filter(({ verdict }) => verdict.code === 'missing_user_id')
    const [mended, discarded] = dead.map(({ key }) => key)
    await writeFile(join(folder.path, 'mended.json'), review('nobody0', { user_id: 'U9', title: 'Fine' }))
    await json(['dlq', 'redrive', mended ?? '', '--review', 'mended.json'], folder.path)
    await json(['dlq', 'discard', discarded ?? '', '--reason', 'a test'], folder.path)
    await writeFile(join(folder.path, 'same.json'), '{"$ref": "urn:headwater:review:1"}')
    const told = await json<Told>(['schema', 'try', 'same.json'], folder.path)
    assert.deepEqual([told.accepted, told.rejected], [61, 9])
    assert.deepEqual([told.newlyRejected.count, told.rescued.count], [0, 0])
  })

  test('says what is wrong with the file, before the store is opened', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'wrong.json'), '{"properties": {"rating": {"type": "nummer"}}}')
    const { code, stderr } = await run(['schema', 'try', 'wrong.json'], { cwd: folder.path })
    assert.equal(code, 1)
    assert.match(stderr, /^CANDIDATE_INVALID: wrong\.json: .*\/properties\/rating\/type/)
  })
})

async function stored(folder: string): Promise<void> {
  await writeFile(join(folder, 'reviews.ndjson'), STORED.join('\n'))
  await json(['import', 'reviews.ndjson'], folder)
}

const shown = ({ clusters }: Grouped): string[] =>
  clusters.map(({ count, code, message }) => `${count} ${code}: ${message}`)

function textOf(all: readonly Row[], key: string | undefined): string {
  const { raw = '{}' } = all.find((row) => row.key === key) ?? {}
  return (JSON.parse(raw) as { review_text?: string }).review_text ?? ''
}
