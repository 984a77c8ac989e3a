import assert from 'node:assert/strict'
import { appendFile, copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { run, start } from '../support/cli.ts'
import { eventually, rows } from '../support/pipeline.ts'
import { writeOutbox } from '../support/outbox.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

const examples = join(import.meta.dirname, '../../examples')

test('the example of a source of your own is right where it stands', async () => {
  await using folder = await temporaryFolder()
  const path = join(examples, 'my-source.yaml')
  const { code, stdout, stderr } = await run(['config', 'check', '-c', path], { cwd: folder.path })
  assert.deepEqual([code, stdout, stderr], [0, `${path} is valid\n`, ''])
})

test('the page about sources of your own shows the example as it is', async () => {
  const page = await readFile(join(examples, '../docs/sources-of-your-own.md'), 'utf8')
  const example = await readFile(join(examples, 'my-source.ts'), 'utf8')
  const code = example.slice(example.indexOf('import '))
  assert.ok(page.includes(`\n\`\`\`ts\n${code}\`\`\`\n`))
})

test('a source of your own runs from a folder anywhere, and goes on where it was', async () => {
  await using folder = await temporaryFolder()
  for (const name of ['my-source.ts', 'my-source.yaml']) {
    await copyFile(join(examples, name), join(folder.path, name))
  }
  const config = join(folder.path, 'my-source.yaml')
  await appendFile(config, 'http: { listen: "127.0.0.1:0" }\nadmin: { listen: "127.0.0.1:0" }\n')
  const database = join(folder.path, 'shop.db')
  writeOutbox(database, [review('R1'), review('R2'), 'no JSON'])

  const stored = (count: number) =>
    eventually(async () => {
      const found = await rows(folder.path)
      return found.length >= count ? found : undefined
    }, `${count} rows`)
  {
    await using up = start(['up', '-c', config], { cwd: folder.path })
    const first = await stored(3)
    assert.deepEqual(
      first.map(({ raw }) => raw ?? '').toSorted(),
      [review('R1'), review('R2'), 'no JSON'].toSorted(),
    )
    assert.equal(first.filter(({ verdict }) => verdict.code === 'unreadable').length, 1)
    await up.kill()
  }
  writeOutbox(database, [review('R3')])
  await using up = start(['up', '-c', config, '--json'], { cwd: folder.path })
  await stored(4)
  const { code, stdout } = await up.stop()
  assert.equal(code, 0)
  assert.match(stdout, /"received":1,/)
})
