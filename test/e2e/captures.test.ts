import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { captured } from '../support/captures.ts'
import { run } from '../support/cli.ts'
import { json, type Row, rows } from '../support/pipeline.ts'
import { temporaryFolder } from '../support/temp.ts'

const folderOf = (name: string): string => captured(name).path
const skip = (name: string): string | false => captured(name).skip

interface Counts {
  readonly received: number
  readonly stored: number
  readonly unchanged: number
  readonly rejected: number
}

/** What is known about the only file of a folder of the captures. */
interface Capture {
  readonly folder: string
  readonly preset: string
  readonly received: number
  readonly unchanged?: number
  /** How many rows of the store have which reason. */
  readonly reasons: Readonly<Record<string, number>>
}

const CAPTURES: readonly Capture[] = [
  {
    folder: 'brightdata',
    preset: 'brightdata',
    received: 8,
    reasons: { accepted: 8 },
  },
  {
    folder: 'apify',
    preset: 'apify-junglee',
    received: 5,
    reasons: { accepted: 5 },
  },
  {
    folder: 'bazaarvoice',
    preset: 'bazaarvoice',
    received: 20,
    reasons: { accepted: 20 },
  },
  {
    folder: 'mcauley2018',
    preset: 'mcauley-2018',
    received: 3176,
    unchanged: 68,
    reasons: { missing_review_id: 3108 },
  },
  {
    folder: 'finefood',
    preset: 'finefood',
    received: 1000,
    reasons: { missing_review_id: 1000 },
  },
]

describe('real files of other providers', () => {
  for (const { folder: captured, preset, received, unchanged = 0, reasons } of CAPTURES) {
    test(`${preset} comes out with the counts that are known, and the exact bytes`, {
      skip: skip(captured),
    }, async () => {
      await using folder = await temporaryFolder()
      const file = await fileIn(captured)
      const counts = await json<Counts>(
        ['import', folderOf(file), '--preset', preset, '--source', 'captured'],
        folder.path,
      )
      const all = await rows(folder.path)
      assert.equal(counts.received, received)
      assert.equal(counts.unchanged, unchanged)
      assert.equal(counts.received, counts.stored + counts.unchanged + counts.rejected)
      assert.equal(counts.stored, reasons['accepted'] ?? 0)
      assert.deepEqual(reasonsOf(all), reasons)
      assertUnderstandable(all)
      await assertTried(preset, folderOf(file), ofItems(reasons, unchanged), folder.path)
      assert.deepEqual(await exported(folder.path), all.map(({ raw }) => raw ?? '').toSorted())
      await assertStandsIn(await exported(folder.path), file)
    })
  }

  const mcauley = 'mcauley2018'
  test('a source may ask for review ids where a data set gives none', { skip: skip(mcauley) }, async () => {
    await using folder = await temporaryFolder()
    const config = {
      sources: [
        {
          name: 'fashion',
          type: 'file',
          files: [folderOf(await fileIn(mcauley))],
          preset: 'mcauley-2018',
          missing_review_id: 'derive',
        },
      ],
      queue: { type: 'embedded' },
      store: { type: 'embedded' },
      http: { listen: '127.0.0.1:0' },
      admin: { listen: '127.0.0.1:0' },
    }
    await writeFile(join(folder.path, 'headwater.yaml'), JSON.stringify(config))
    const { code, stderr } = await run(['up', '--until-drained', '--json'], { cwd: folder.path })
    assert.equal(code, 0, stderr)
    const all = await rows(folder.path)
    assert.deepEqual(reasonsOf(all), { accepted: 3092, missing_review_text: 16 })
    const ids = all.flatMap(({ verdict }) => verdict.review?.['review_id'] ?? [])
    assert.equal(new Set(ids).size, 3092)
  })
})

describe('real responses of rainforest', { skip: skip('rainforest') }, () => {
  test('come out with the counts that are known, reasons a person understands, and their exact bytes', async () => {
    await using folder = await temporaryFolder()
    const names = (await readdir(folderOf('rainforest'))).toSorted()
    const files = names.map((name) => join(folderOf('rainforest'), name))
    const counts = await json<Counts>(
      ['import', ...files, '--preset', 'rainforest', '--source', 'rainforest-in'],
      folder.path,
    )
    // 109 reviews, 13 of them twice, and 2 failed responses, which are the same error twice but not the same bytes.
    assert.equal(counts.received, 111)
    assert.equal(counts.unchanged, 13)
    assert.equal(counts.received, counts.stored + counts.unchanged + counts.rejected)

    const all = await rows(folder.path)
    assert.deepEqual(reasonsOf(all), { accepted: 71, missing_user_id: 25, provider_error: 2 })
    assertUnderstandable(all)
    const [failed = ''] = files.filter((file) => file.endsWith('responses_res2.json'))
    await assertTried('rainforest', failed, { provider_error: 1 }, folder.path)

    const items = await exported(folder.path)
    assert.equal(items.length, 98)
    await assertStandsIn(items, ...names.map((name) => `rainforest/${name}`))
    const plain = await run(['reviews', 'export', '--raw'], { cwd: folder.path })
    assert.equal(plain.code, 1)
    assert.match(plain.stderr, /--framing length or --framing files/)
    assert.equal((await run(['audit'], { cwd: folder.path })).code, 0)
  })
})

/** What a person is told for each reason. */
const SENTENCES: Readonly<Record<string, RegExp>> = {
  missing_review_id: /^review_id is missing: it must be present and not null(;|$)/,
  missing_user_id: /^user_id is missing: it must be present and not null(;|$)/,
  provider_error: /^The requested page could not be found on Amazon/,
}

/** Fails unless the first complaint about each dead letter is the sentence that belongs to its reason. */
function assertUnderstandable(all: readonly Row[]): void {
  for (const { verdict } of all) {
    if (verdict.code === undefined) continue
    assert.match(verdict.errors?.[0]?.message ?? '', SENTENCES[verdict.code] ?? /no sentence is known/)
  }
}

/** Fails unless `presets try` tells the same counts, and the sentence beside each item that is rejected. */
async function assertTried(
  preset: string,
  file: string,
  reasons: Readonly<Record<string, number>>,
  cwd: string,
): Promise<void> {
  const { code, stdout, stderr } = await run(['presets', 'try', preset, file], { cwd })
  assert.equal(code, 0, stderr)
  for (const [reason, count] of Object.entries(reasons))
    assert.match(stdout, new RegExp(`^${reason} +${count.toLocaleString('en')}$`, 'm'))
  for (const [, reason = '', sentence = ''] of stdout.matchAll(/^\d+ +rejected .*? ([a-z_]+): (.+)$/gm))
    assert.match(sentence, SENTENCES[reason] ?? /no sentence is known/)
}

/** The only file of a folder. */
async function fileIn(name: string): Promise<string> {
  const [file = '', ...more] = await readdir(folderOf(name))
  assert.deepEqual(more, [])
  return `${name}/${file}`
}

/** The counts of a file whose repeated items all have the same reason. */
function ofItems(reasons: Capture['reasons'], unchanged: number): Record<string, number> {
  return Object.fromEntries(Object.entries(reasons).map(([reason, count]) => [reason, count + unchanged]))
}

function reasonsOf(all: readonly Row[]): Record<string, number> {
  const reasons = Map.groupBy(all, ({ verdict }) => verdict.code ?? 'accepted')
  return Object.fromEntries([...reasons].map(([reason, { length }]) => [reason, length]))
}

/** Fails unless every item stands in one of the files, byte for byte. */
async function assertStandsIn(items: readonly string[], ...files: readonly string[]): Promise<void> {
  const bodies = await Promise.all(
    files.map(async (file) => {
      const bytes = await readFile(folderOf(file))
      return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
    }),
  )
  for (const item of items)
    assert.ok(
      bodies.some((body) => body.includes(item)),
      'an item stands in a file, byte for byte',
    )
}

/** The exact bytes of everything that is stored, sorted. All of it is UTF-8. */
async function exported(folder: string): Promise<string[]> {
  const { stdout } = await run(['reviews', 'export', '--raw', '--framing', 'length'], { cwd: folder })
  const bytes = Buffer.from(stdout)
  const items: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\n', at)
    const length = Number(bytes.toString('latin1', at, end))
    items.push(bytes.toString('utf8', end + 1, end + 1 + length))
    at = end + 1 + length + 1
  }
  return items.toSorted()
}
