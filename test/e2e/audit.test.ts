import assert from 'node:assert/strict'
import { stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openEnvironment } from '../../src/stores/embedded/environment.ts'
import { layout } from '../../src/stores/embedded/tables.ts'
import { run } from '../support/cli.ts'
import { json, rows } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

interface Told {
  readonly ok: boolean
  readonly problems: readonly { readonly problem: string; readonly keys: readonly string[] }[]
}

async function folderWith(reviews: readonly string[]) {
  const folder = await temporaryFolder()
  await writeFile(join(folder.path, 'reviews.ndjson'), reviews.join('\n'))
  await json(['import', 'reviews.ndjson'], folder.path)
  return { ...folder, data: join(folder.path, 'data') }
}

async function cutToHalf(file: string): Promise<void> {
  await truncate(file, Math.floor((await stat(file)).size / 2))
}

/** Turns a letter in the first of the rows that are not in a block yet. */
async function alterRow(store: string): Promise<void> {
  await using environment = await openEnvironment(store, layout)
  const { tail } = environment.tables
  await environment.write(() => {
    for (const { key, value } of tail.getRange({ limit: 1 })) {
      const altered = Buffer.from(value)
      const at = altered.lastIndexOf('a')
      tail.putSync(Buffer.from(key), altered.fill('b', at, at + 1))
    }
  })
}

describe('an audit', () => {
  test('passed over a queue that was cut off: it names every data file that is damaged', async () => {
    await using folder = await folderWith(Array.from({ length: 200 }, (_, n) => review(`R${n}`)))
    assert.equal((await run(['audit'], { cwd: folder.path })).code, 0)
    const file = join(folder.data, 'queue', 'data.mdb')
    await cutToHalf(file)
    const { code, stdout } = await run(['audit', '--json'], { cwd: folder.path })
    assert.equal(code, 1)
    const { ok, problems } = JSON.parse(stdout) as Told
    assert.equal(ok, false)
    assert.equal(problems.length, 1)
    assert.ok(problems[0]?.problem.startsWith(`${file}: `) && problems[0].problem.endsWith('it was cut off'))
    await cutToHalf(join(folder.data, 'store', 'data.mdb'))
    const both = await run(['audit'], { cwd: folder.path })
    assert.equal(both.code, 1)
    assert.match(both.stdout, /queue\/data\.mdb: .*\n.*store\/data\.mdb: .*\n2 problems\n$/)
  })

  test('whose note no registry took told of nothing else: it names what it found first', async () => {
    await using folder = await folderWith([review('A')])
    const [row] = await rows(folder.path)
    await alterRow(join(folder.data, 'store'))
    const registry = join(folder.data, 'registry', 'data.mdb')
    await truncate(registry, 0)
    const { code, stdout, stderr } = await run(['audit'], { cwd: folder.path })
    assert.equal(code, 1)
    assert.match(stdout, new RegExp(`registry/data\\.mdb: it is empty.*\\n.*: ${row?.key}\\n2 problems\\n$`))
    assert.match(stderr, /^the registry did not take a note of this.*registry\/data\.mdb: it is empty/)
  })

  test('that found nothing fails where no registry takes its note, and says both', async () => {
    await using folder = await folderWith([review('A')])
    const registry = join(folder.data, 'elsewhere')
    await writeFile(registry, 'no folder')
    const place = '{ type: embedded, dir: ./data/elsewhere }'
    const config = `queue: { type: embedded }\nstore: { type: embedded }\nregistry: ${place}\n`
    await writeFile(join(folder.path, 'headwater.yaml'), config)
    const { code, stdout, stderr } = await run(['audit'], { cwd: folder.path })
    assert.equal(code, 1)
    assert.match(stdout, /^1 record, \d+ bytes of raw: all as received\n$/)
    assert.match(stderr, /^the registry did not take a note of this/)
  })
})
