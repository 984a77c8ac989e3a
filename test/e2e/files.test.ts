import assert from 'node:assert/strict'
import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { run, startProgram } from '../support/cli.ts'
import { eventually, json, rows, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

const cli = join(import.meta.dirname, '../../src/cli.ts')

describe('the standard input', () => {
  test('is imported from a pipe, compressed or not; again, it comes out as unchanged', async () => {
    await using folder = await temporaryFolder()
    const many = Array.from({ length: 2_000 }, (_, n) => review(`R${n}`)).join('\n')
    await writeFile(join(folder.path, 'a.gz'), gzipSync(many))
    const piped = async (command: string) => {
      const args = ['-c', `${command} | exec "$0" "$1" import - --json`, process.execPath, cli]
      await using program = startProgram('sh', args, { cwd: folder.path })
      const { code, stdout, stderr } = await program.exited
      assert.deepEqual([code, stderr], [0, ''])
      const { stored, unchanged, rejected } = JSON.parse(stdout) as Record<string, number>
      return { stored, unchanged, rejected }
    }
    assert.deepEqual(await piped('zcat a.gz'), { stored: 2_000, unchanged: 0, rejected: 0 })
    assert.deepEqual(await piped('cat a.gz'), { stored: 0, unchanged: 2_000, rejected: 0 })
  })

  test('that was cut off can not be gone on with, and that is said; again, it comes out as unchanged', async () => {
    await using folder = await temporaryFolder()
    const input = `${review('R1')}\n${review('R2')}\n`
    // Somebody has the pipe open for writing, and writes no more.
    const script = 'mkfifo pipe && exec 3<>pipe && printf %s "$2" >pipe && exec "$0" "$1" import - <pipe'
    const args = ['-c', script, process.execPath, cli, input]
    await using program = startProgram('sh', args, { cwd: folder.path })
    await program.waitFor(/^\d+ B read · .* received 2 /)
    const { code, stdout, stderr } = await program.stop('SIGINT')
    assert.equal(code, 1)
    assert.match(stdout, /^received 2 in .*: 2 stored/m)
    assert.match(
      stderr,
      /the standard input was not read to its end, and can not be gone on with: send it again/,
    )
    assert.match(stderr, /^Stopped before the end\.$/m)
    const again = await run(['import', '-', '--json'], { cwd: folder.path, input: input + review('R3') })
    const { stored, unchanged, earlier } = JSON.parse(again.stdout) as Record<string, unknown>
    assert.deepEqual([again.code, stored, unchanged, earlier], [0, 1, 2, undefined])
  })

  test('is read by a source of a config, too, and alone', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path, '  - { name: piped, type: file, files: ["-"], format: csv }')
    const input =
      'review_id,product_id,user_id,review_text,rating,review_timestamp\nR1,B1,U1,"Fine, really",5,2023-10-26T10:00:00Z\n'
    const piped = await run(['up', '--until-drained', '--json'], { cwd: folder.path, input })
    assert.equal(piped.code, 0, piped.stderr)
    assert.equal((JSON.parse(piped.stdout) as { stored: number }).stored, 1)
    const both = await run(['import', '-', 'a.ndjson'], { cwd: folder.path })
    assert.deepEqual(
      [both.code, both.stderr],
      [2, 'USAGE: -: the standard input is imported alone, by a command of its own\n'],
    )
  })
})

test('TSV in a file of another name is imported as such', async () => {
  await using folder = await temporaryFolder()
  const header = 'review_id\tproduct_id\tuser_id\treview_text\trating\treview_timestamp'
  await writeFile(join(folder.path, 'export.txt'), `${header}\nR1\tB1\tU1\t"Fine\t5\t2023-10-26T10:00:00Z\n`)
  const { stored } = await json<{ stored: number }>(['import', 'export.txt', '--format', 'tsv'], folder.path)
  assert.equal(stored, 1)
  assert.equal((await rows(folder.path))[0]?.verdict.review?.['review_text'], '"Fine')
})

test('a CSV with a million columns is kept as dead letters, byte for byte', async () => {
  await using folder = await temporaryFolder()
  const content = [`review_id${',x'.repeat(999_999)}`, 'R1,"one"', 'R2,"two"']
  await writeFile(join(folder.path, 'wide.csv'), content.join('\n'))
  const { rejected, stored } = await json<{ rejected: number; stored: number }>(
    ['import', 'wide.csv'],
    folder.path,
  )
  assert.deepEqual([rejected, stored], [3, 0])
  const all = await rows(folder.path)
  assert.deepEqual(new Set(all.map(({ raw }) => raw)), new Set(content))
  assert.ok(all.every(({ verdict }) => verdict.code === 'unreadable'))
})

describe('a watched folder', () => {
  test('gives what appears in it, and what is slowly appended, without a dead letter of half a line', async () => {
    await using folder = await temporaryFolder()
    const incoming = join(folder.path, 'incoming')
    await mkdir(incoming)
    await writeConfig(
      folder.path,
      '  - { name: drop, type: file, files: [incoming], watch: { every: 20ms, settle: 5s } }',
    )
    const { process: up, admin } = await startUp(folder.path)
    await using _ = up
    const stored = (count: number) =>
      eventually(async () => {
        const metrics = await (await fetch(`${admin}/metrics`)).text()
        return metrics.includes(`headwater_reviews_stored_total{source="drop"} ${count}\n`) || undefined
      }, `${count} stored`)
    const growing = join(incoming, 'growing.ndjson')
    for (let n = 0; n < 20; n++) {
      const line = `${review(`G${n}`)}\n`
      await appendFile(growing, line.slice(0, 40))
      // Half a line is there while all before it is read and stored.
      if (n > 0) await stored(n)
      await appendFile(growing, line.slice(40))
    }
    await writeFile(join(folder.path, 'moved'), gzipSync(review('M1')))
    await rename(join(folder.path, 'moved'), join(incoming, 'moved.ndjson.gz'))
    await writeFile(join(incoming, 'array.json'), `[${review('J1')},${review('J2')}]`)
    await stored(23)
    const all = await rows(folder.path)
    assert.deepEqual(
      all.map(({ raw }) => raw ?? '').toSorted(),
      [
        ...Array.from({ length: 20 }, (__, n) => review(`G${n}`)),
        review('M1'),
        review('J1'),
        review('J2'),
      ].toSorted(),
    )
    assert.ok(all.every(({ verdict }) => verdict.status === 'accepted'))
    assert.equal((await up.stop()).code, 0)
  })

  test('that is not there is told at the start', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path, '  - { name: drop, type: file, files: ["incoming/*.csv"], watch: true }')
    const { code, stderr } = await run(['up'], { cwd: folder.path })
    assert.deepEqual(
      [code, stderr],
      [1, 'FILE_UNREADABLE: incoming: expected a folder, found nothing there\n'],
    )
  })
})
