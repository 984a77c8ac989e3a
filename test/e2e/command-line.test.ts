import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { run, start, startProgram } from '../support/cli.ts'
import { json, rows, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

const cli = join(import.meta.dirname, '../../src/cli.ts')

describe('what was typed wrongly', () => {
  test('a number that is none is wrong usage, and nothing waits for ever', async () => {
    await using folder = await temporaryFolder()
    for (const [command, limit] of [
      ['reviews list', '0'],
      ['dlq list', '1.5'],
      ['dlq export', 'many'],
      ['tail', '0'],
      ['tail', 'NaN'],
    ] as const) {
      const { code, stderr } = await run([...command.split(' '), '--limit', limit], { cwd: folder.path })
      assert.equal(code, 2, command)
      assert.match(stderr, /--limit: expected a number such as 50, found "/)
    }
  })

  test('options that make no sense are wrong usage, and say what does', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'a.json'), review('R1'))
    const wrong: readonly [readonly string[], RegExp][] = [
      [['import', 'a.json', '--format', 'xml'], /Allowed choices are json, ndjson, csv/],
      [
        ['presets', 'try', 'canonical', 'a.json', '--format', 'xml'],
        /Allowed choices are json, ndjson, csv, tsv/,
      ],
      [['import', 'a.json', '--source', 'a b'], /--source: expected up to 64 letters, digits.*found "a b"/],
      [['reviews', 'export', '--framing', 'files'], /--framing: needs --raw/],
      [['dlq', 'redrive', 'x', '--review', 'absent'], /cannot read absent \(ENOENT/],
    ]
    for (const [args, said] of wrong) {
      const { code, stderr } = await run(args, { cwd: folder.path })
      assert.equal(code, 2, args.join(' '))
      assert.match(stderr, said)
      assert.doesNotMatch(stderr, /\n\s+at /)
    }
    assert.ok(!existsSync(join(folder.path, 'export')))
  })

  test('a file that is not there and a folder that is a file are said in words', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'a.json')
    await writeFile(file, review('R1'))
    const absent = await run(['import', 'b.json'], { cwd: folder.path })
    assert.deepEqual(
      [absent.code, absent.stderr],
      [1, 'FILE_UNREADABLE: b.json: expected a file, found nothing there\n'],
    )
    const data = await run(['reviews', 'list', '--data', file], { cwd: folder.path })
    assert.equal(data.code, 78)
    assert.match(data.stderr, /cannot create the folder .*a\.json \(EEXIST/)
  })

  test('escapes in an argument do not reach the terminal through the message', async () => {
    await using folder = await temporaryFolder()
    const { stderr } = await run(['import', '\u001b[31mred\u202e.json'], { cwd: folder.path })
    assert.match(stderr, /\\u001b\[31mred\\u202e\.json: expected/)
  })

  test('of one thing several were told: 1 records, 1 dead letters', async () => {
    await using folder = await temporaryFolder()
    const at = { cwd: folder.path }
    await writeFile(join(folder.path, 'one.json'), review('R1', { rating: 6 }))
    assert.match((await run(['import', 'one.json'], at)).stdout, / 0 unchanged, 1 dead letter\n$/)
    assert.match((await run(['audit'], at)).stdout, /^1 record, \d+ bytes of raw: all as received\n$/)
    const [row] = await rows(folder.path)
    await json(['dlq', 'discard', row?.key ?? '', '--reason', 'a test'], folder.path)
    const purged = await run(['dlq', 'purge', '--dry-run'], at)
    assert.match(purged.stdout, /^would erase 1 discarded dead letter, \d+ B of raw\n$/)
    const erased = await run(['reviews', 'erase', '--review', 'R1', '--source', 'import'], at)
    assert.equal(erased.stdout, 'erased 1 record; the review is not taken again\n')
  })

  test('nothing found tells where it was looked for', async () => {
    await using folder = await temporaryFolder()
    const { code, stderr } = await run(['reviews', 'list', '--data', 'here'], { cwd: folder.path })
    assert.deepEqual([code, stderr], [0, `nothing found; the data folder is ${join(folder.path, 'here')}\n`])
  })

  test('the help of each command shows the options that all take', async () => {
    const { stdout } = await run(['reviews', 'list', '--help'])
    for (const option of ['--config', '--data', '--json']) assert.match(stdout, new RegExp(option))
  })
})

describe('what is read by a program', () => {
  test('tail writes a line an event, also where what was received has several', async () => {
    await using folder = await temporaryFolder()
    const indented = JSON.stringify(JSON.parse(review('R1')), undefined, 2)
    await writeFile(join(folder.path, 'a.json'), indented)
    await json(['import', 'a.json'], folder.path)
    const { stdout, code } = await run(['tail', '--limit', '1'], { cwd: folder.path })
    assert.equal(code, 0)
    const [line = '', ...rest] = stdout.split('\n')
    assert.deepEqual(rest, [''])
    const { data } = JSON.parse(line) as { data: { raw: unknown } }
    assert.deepEqual(data.raw, JSON.parse(indented))
    const [stored] = await rows(folder.path)
    assert.equal(stored?.raw, indented, 'what is stored is what was received')
  })

  test('a topic that nobody publishes to is read, and said', async () => {
    await using folder = await temporaryFolder()
    await using tail = start(['tail', 'raw-review'], { cwd: folder.path })
    await tail.waitFor(/raw-review is none of raw-reviews and dead-letter-queue/)
    assert.equal((await tail.stop('SIGINT')).code, 0)
  })

  test('head may leave early, and a full disk is a failure', async (t) => {
    await using folder = await temporaryFolder()
    const many = Array.from({ length: 2_000 }, (_, n) => review(`R${n}`)).join('\n')
    await writeFile(join(folder.path, 'a.ndjson'), many)
    await json(['import', 'a.ndjson'], folder.path)
    const shell = async (redirection: string) => {
      const command = `"$0" "$1" reviews export ${redirection}; echo "$?"`
      await using program = startProgram('sh', ['-c', command, process.execPath, cli], { cwd: folder.path })
      return await program.exited
    }
    const left = await shell('| head -n 1')
    assert.deepEqual([left.code, left.stderr, left.stdout.split('\n').length], [0, '', 3])
    if (!existsSync('/dev/full')) return t.skip('this system has no /dev/full')
    const full = await shell('> /dev/full')
    assert.deepEqual([full.stdout, full.stderr], ['1\n', 'ENOSPC: no space left on device, write\n'])
  })
})

describe('what is told to stop', () => {
  test('an import that was cut off is no success, and the same command goes on', async () => {
    await using folder = await temporaryFolder()
    const count = 60_000
    const many = Array.from({ length: count }, (_, n) => review(`R${n}`)).join('\n')
    await writeFile(join(folder.path, 'a.ndjson'), many)
    await using first = start(['import', 'a.ndjson'], { cwd: folder.path })
    await first.waitFor(/^\d+ % of .* received [1-9]/)
    const cut = await first.stop('SIGTERM')
    assert.equal(cut.code, 1, cut.stdout)
    assert.match(cut.stderr, /Stopped before the end; the same command goes on from here/)
    const second = await json<{ received: number; total: { received: number; stored: number } }>(
      ['import', 'a.ndjson'],
      folder.path,
    )
    assert.ok(second.received < count, 'it does not begin anew')
    assert.deepEqual([second.total.received, second.total.stored], [count, count])
  })

  test('a terminal that is closed ends a pipeline gently, and a command that reads', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    const up = await startUp(folder.path)
    await using _ = up.process
    const headers = { 'content-type': 'application/json' }
    assert.equal((await fetch(up.webhook, { method: 'POST', body: review('R1'), headers })).status, 202)
    await using tail = start(['tail'], { cwd: folder.path })
    await tail.waitFor(/"R1"/)
    assert.equal((await tail.stop('SIGHUP')).code, 0)
    const { code, signal, stdout } = await up.process.stop('SIGHUP')
    assert.deepEqual([code, signal], [0, null])
    assert.match(stdout, /"received":1,/)
  })

  test('a command that waits for its input ends at Ctrl-C', async () => {
    await using folder = await temporaryFolder()
    const child = spawn(process.execPath, [cli, 'dlq', 'redrive', '0', '--review', '-'], { cwd: folder.path })
    const exited = once(child, 'exit')
    // More than a pipe holds: when it is gone, the command reads.
    await new Promise((resolve) => child.stdin.write(' '.repeat(2 ** 20), resolve))
    child.kill('SIGINT')
    assert.deepEqual(await exited, [130, null])
    child.stdin.destroy()
  })
})
