import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownBytesOf } from '../../bench/process.ts'
import { formatBytes } from '../../src/lib/units.ts'
import { type Running, start, startProgram } from '../support/cli.ts'
import { temporaryFolder } from '../support/temp.ts'

const COUNT = Number(process.env['HEADWATER_IMPORT_COUNT'] ?? 200_000)
const KILLS = Number(process.env['HEADWATER_IMPORT_KILLS'] ?? 4)
const LOOK_EVERY_MS = 20
const cli = join(import.meta.dirname, '../../src/cli.ts')
const generator = join(import.meta.dirname, '../../bench/generate.ts')

interface Summary {
  readonly received: number
  readonly stored: number
  readonly unchanged: number
  readonly rejected: number
}

test(`an import of ${COUNT} reviews killed ${KILLS} times and run again: nothing missing, nothing twice, bytes equal`, async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'reviews.ndjson')
  const generated = await generate(file)

  for (let kill = 1; kill <= KILLS; kill++) {
    await using running = start(['import', 'reviews.ndjson'], { cwd: folder.path })
    await running.waitFor(/received [1-9]/)
    // Anywhere in its work: at a moment that differs from kill to kill.
    await sleep(Math.random() * 1_500)
    await running.kill()
  }
  const last = await toTheEnd<Summary & { total: Summary }>(['import', 'reviews.ndjson'], folder.path)
  for (const { received, stored, unchanged, rejected } of [last, last.total])
    assert.equal(received, stored + unchanged + rejected)
  assert.equal(last.total.stored, generated.review + generated.edit)
  assert.equal(last.total.rejected, generated.invalid)
  assert.ok(last.received < COUNT, 'it went on where it was cut off')

  const expected = new Map<string, number>()
  // An item is its value without the white space around it; some are cut off behind a blank.
  for await (const line of linesOf(file)) expected.set(line.replace(/[ \t]+$/, ''), 0)
  const copy = join(folder.path, 'export.ndjson')
  await into(copy, [cli, 'reviews', 'export', '--raw', '--data', join(folder.path, 'data')])
  let rows = 0
  for await (const line of linesOf(copy)) {
    rows++
    const times = expected.get(line)
    assert.notEqual(times, undefined, `invented or altered: ${line.slice(0, 100)}`)
    expected.set(line, (times ?? 0) + 1)
  }
  assert.equal(rows, generated.review + generated.edit + generated.invalid)
  assert.ok(
    [...expected.values()].every((times) => times <= 1),
    'nothing twice',
  )
  const audit = await toTheEnd<{ ok: boolean; records: number }>(['audit'], folder.path)
  assert.deepEqual([audit.ok, audit.records], [true, rows])
})

test(`an import of ${COUNT} reviews, one in fifty of them invalid, takes less than 250 MB of heap and anonymous memory`, async (t) => {
  await using folder = await temporaryFolder()
  const generated = await generate(join(folder.path, 'reviews.ndjson'), '--invalid', '0.02')
  await using running = start(['import', 'reviews.ndjson', '--json'], { cwd: folder.path })
  const most = await mostOwnBytesOf(running)
  const { stdout } = await running.exited
  assert.equal((JSON.parse(stdout) as Summary).rejected, generated.invalid)
  t.diagnostic(`at most ${formatBytes(most)}`)
  assert.ok(most < 250_000_000, formatBytes(most))
})

/** What a command says with `--json`; a million reviews take their time. */
async function toTheEnd<T>(args: readonly string[], cwd: string): Promise<T> {
  await using running = start([...args, '--json'], { cwd })
  const { code, stdout, stderr } = await running.exited
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout) as T
}

/** Looks until it has ended. */
async function mostOwnBytesOf({ pid, exited }: Running): Promise<number> {
  const gone = exited.then(() => true)
  let most = 0
  while (!(await Promise.race([gone, sleep(LOOK_EVERY_MS, false)]))) most = Math.max(most, ownBytes(pid))
  return most
}

function ownBytes(pid: number): number {
  try {
    return ownBytesOf(pid)
  } catch {
    return 0 // it has just ended
  }
}

interface Generated {
  readonly review: number
  readonly edit: number
  readonly invalid: number
  readonly duplicate: number
}

/** Writes the file, and tells what is in it. */
async function generate(file: string, ...more: readonly string[]): Promise<Generated> {
  const told = await into(file, [generator, '--count', String(COUNT), '--seed', '7', ...more])
  return JSON.parse(told.trim().split('\n').at(-1) ?? '') as Generated
}

/** Runs a program with its standard output in a file; resolves to what it said on standard error. */
async function into(file: string, args: readonly string[]): Promise<string> {
  const command = `exec ${[process.execPath, ...args].map((arg) => `'${arg}'`).join(' ')} > '${file}'`
  await using running = startProgram('/bin/sh', ['-c', command])
  const { code, stderr } = await running.exited
  assert.equal(code, 0, stderr)
  return stderr
}

/** One character a byte: some items are cut off in the middle of a character. */
function linesOf(file: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(file, 'latin1'), crlfDelay: Number.POSITIVE_INFINITY })
}
