import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { loadPreset, presets } from '../../../src/presets/index.ts'
import type { Verdict } from '../../../src/review/verdict.ts'
import { run } from '../../support/cli.ts'
import { lines } from '../../support/pipeline.ts'
import { temporaryFolder } from '../../support/temp.ts'

interface Tried {
  readonly n: number
  readonly position: number
  readonly verdict: Verdict
}

const page = JSON.stringify({
  request_info: { success: true },
  product: {
    asin: 'B0TESTLAMP',
    top_reviews: [
      {
        id: 'R1',
        body: 'Bright enough\nfor the attic.',
        rating: 4,
        date: { utc: '2024-03-03T00:00:00.000Z' },
        profile: { id: 'A1' },
      },
      {
        id: 'R2',
        body: 'Too bright.',
        rating: 6,
        date: { utc: '2024-03-04T00:00:00.000Z' },
        profile: { name: 'N' },
      },
    ],
  },
})

describe('headwater presets', () => {
  test('list names every preset, with what a poll of it shows', async () => {
    const { stdout } = await run(['presets', 'list'])
    for (const name of Object.keys(presets))
      assert.match(stdout, new RegExp(`^${name} +\\d+ +(full|top)  `, 'm'))
  })

  test('show prints YAML that is the same preset when it is read again', async () => {
    await using folder = await temporaryFolder()
    for (const name of ['rainforest', 'apify-axesso']) {
      const { stdout } = await run(['presets', 'show', name])
      await writeFile(join(folder.path, 'again.yaml'), stdout)
      assert.deepEqual(await loadPreset(join(folder.path, 'again.yaml')), await loadPreset(name))
    }
  })

  test('try ended with an error where an id is nested deeper than the stack is', async () => {
    await using folder = await temporaryFolder()
    const deep = '['.repeat(10_000) + ']'.repeat(10_000)
    await writeFile(join(folder.path, 'deep.json'), `{"review_id":${deep},"product_id":{"a":1}}`)
    const { code, stdout } = await run(['presets', 'try', 'canonical', 'deep.json'], { cwd: folder.path })
    assert.equal(code, 0)
    assert.match(stdout, /^1 +rejected +\[…\] +\{…\} /m)
  })

  test('try tells what becomes of each item, and stores nothing', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'page.json'), page)
    const { code, stdout } = await run(['presets', 'try', 'rainforest', 'page.json'], { cwd: folder.path })
    assert.equal(code, 0)
    const [header, first, second, ...totals] = stdout.split('\n').filter(Boolean)
    assert.match(header ?? '', /^n +verdict +review +product +rating +date +text/)
    assert.match(first ?? '', /^1 +accepted +R1 +B0TESTLAMP +4 +2024-03-03 +Bright enough for the attic\.$/)
    assert.match(
      second ?? '',
      /^2 +rejected +R2 +B0TESTLAMP +6 .* missing_user_id: .*; rating must be at most 5/,
    )
    assert.deepEqual(
      totals.map((line) => line.split(/ {2,}/)),
      [
        ['in all', '2'],
        ['accepted', '1'],
        ['missing_user_id', '1'],
      ],
    )
    assert.deepEqual(await readdir(folder.path), ['page.json'])
  })

  test('try reads NDJSON, gzip and tabs like an import, and prints a document an item', async () => {
    await using folder = await temporaryFolder()
    const row = {
      asin: 'B1',
      user_id: 'A1',
      text: 'ok',
      rating: 5,
      timestamp: 1_600_000_000_123,
      title: 'Fine',
    }
    await writeFile(join(folder.path, 'rows.jsonl.gz'), gzipSync(`${JSON.stringify(row)}\n{"broken"\n`))
    const tried = await lines<Tried>(
      ['presets', 'try', 'mcauley-2023', 'rows.jsonl.gz', '--missing-review-id', 'derive'],
      folder.path,
    )
    assert.deepEqual(
      tried.map(({ n, position, verdict: { status } }) => [n, position, status]),
      [
        [1, 1, 'accepted'],
        [2, 2, 'rejected'],
      ],
    )

    const header = 'review_id\tproduct_id\tcustomer_id\treview_body\tstar_rating\treview_date'
    await writeFile(
      join(folder.path, 'rows.tsv'),
      `${header}\nR1\tB1\t7\t"a quote that is never closed\t5\t2014-05-06\nR2\tB1\t7\tok\t4\t2014-05-05\n`,
    )
    const rows = await lines<Tried>(['presets', 'try', 'aws-customer-reviews', 'rows.tsv'], folder.path)
    assert.deepEqual(
      rows.map(({ verdict }) =>
        verdict.status === 'accepted' ? verdict.review.review_text : verdict.status,
      ),
      ['"a quote that is never closed', 'ok'],
    )
  })

  test('try takes a preset of your own by its path, and tells its mistakes by theirs', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'page.json'), page)
    await writeFile(
      join(folder.path, 'mine.yaml'),
      'name: mine\nversion: 1\nfailed: { when: error }\nfields: { rating: { from: /stars, parse: magic } }\n',
    )
    const options = { cwd: folder.path }
    const { code, stderr } = await run(['presets', 'try', './mine.yaml', 'page.json'], options)
    assert.equal(code, 78)
    for (const part of ['./mine.yaml', 'failed.when', 'fields.rating.parse'])
      assert.ok(stderr.includes(part), part)

    const missing = await run(['presets', 'try', 'rainforest', 'absent.json'], options)
    assert.equal(missing.code, 1)
    assert.match(missing.stderr, /^FILE_UNREADABLE: absent\.json/)
  })
})
