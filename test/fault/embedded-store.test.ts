import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { openStore } from '../../src/stores/embedded/store.ts'
import type { Store } from '../../src/stores/store.ts'
import { accepted, put } from '../support/records.ts'

const WRITER = join(import.meta.dirname, '../support/store-writer.ts')
/** Each round begins where no earlier one can have come to. */
const ROUND = 1_000_000

const folder = await mkdtemp(join(tmpdir(), 'test-embedded-store-fault-'))
after(() => rm(folder, { recursive: true }))

test('keeps every acknowledged record when its writer is killed at any time', {
  timeout: 120_000,
}, async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 100_000)
  t.diagnostic(`SEED=${seed}`)
  const data = join(folder, 'killed')
  for (let round = 0; round < 6; round++) {
    const writer = spawn(process.execPath, [WRITER, '--folder', data, '--first', String(round * ROUND)])
    const lines = await linesUntil(writer, 1 + ((seed * (round + 7)) % 60), () => writer.kill('SIGKILL'))
    await using store = await openStore(data)
    await verify(store, lines)
  }
})

test('refuses what no longer fits, keeps the rest, and works again with room', {
  timeout: 60_000,
}, async () => {
  const data = join(folder, 'full')
  const limit = ['-c', 'ulimit -f 6000; exec "$@"', 'bash']
  const writer = spawn('bash', [...limit, process.execPath, WRITER, '--folder', data], { stdio: 'pipe' })
  let complaint = ''
  writer.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  const lines = await linesUntil(writer, Infinity)
  assert.equal(writer.exitCode, 1)
  assert.match(complaint, /TransientError.*\n[^]*code: 'DISK_FULL'/)
  await using store = await openStore(data)
  await verify(store, lines)
  assert.deepEqual(await put(store, [accepted(ROUND)]), ['stored'])
})

/** What a writer acknowledged, to its end; calls back once at a number of lines. */
async function linesUntil(
  writer: ChildProcess,
  count: number,
  then?: () => void,
): Promise<readonly string[]> {
  assert.ok(writer.stdout)
  const ended = once(writer, 'exit')
  const lines: string[] = []
  for await (const line of createInterface({ input: writer.stdout })) {
    lines.push(line)
    if (lines.length === count) then?.()
  }
  await ended
  assert.ok(lines.length > 0, 'the writer wrote something')
  return lines
}

async function verify(store: Store, lines: readonly string[]): Promise<void> {
  const damages = await Array.fromAsync(store.check?.() ?? [])
  assert.deepEqual(damages, [])
  for (const line of lines) {
    const [verb = '', number, count] = line.split(' ')
    if (verb === 'put') await verifyPut(store, Number(number), Number(count))
    else await verifyChange(store, verb, Number(number))
  }
}

/** The first of a batch may have been changed or erased since, acknowledged or not. */
async function verifyPut(store: Store, first: number, count: number): Promise<void> {
  for (let number = first + 1; number < first + count; number++) {
    const expected = accepted(number)
    const {
      revision,
      rawHash: _,
      storedAt: __,
      ...record
    } = (await store.get([expected.key])).get(expected.key) ?? {}
    assert.deepEqual(record, expected)
    assert.equal(revision, 0)
  }
}

async function verifyChange(store: Store, verb: string, number: number): Promise<void> {
  const { key } = accepted(number)
  const found = (await store.get([key])).get(key)
  if (verb === 'erase') return assert.equal(found, undefined)
  assert.ok(found?.verdict.status === 'accepted')
  assert.equal(found.verdict.review.product_id, 'amended')
  assert.equal(found.revision, 1)
}
