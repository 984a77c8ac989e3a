import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { run, startProgram } from '../support/cli.ts'
import { json, lines, type Row, rows } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

const program = join(import.meta.dirname, '../support/redrive-until.ts')
const FAULTY = review('R1', { product_id: undefined, note: 'kept' })
const MENDED = review('R1', { product_id: 'B0MENDED' })

interface Event {
  readonly id: string
  readonly recordkey: string
  readonly data: { readonly review: { readonly product_id: string }; readonly raw: unknown }
}

async function deadLetterIn(folder: string): Promise<string> {
  await writeFile(join(folder, 'one.ndjson'), FAULTY)
  await json(['import', 'one.ndjson'], folder)
  const [row] = await lines<Row>(['dlq', 'list'], folder)
  assert.ok(row)
  return row.key
}

async function redriveUntil(folder: string, key: string, step: string): Promise<string> {
  const args = [program, join(folder, 'data'), key, step, MENDED]
  await using running = startProgram(process.execPath, args)
  const { signal, stdout, stderr } = await running.exited
  assert.equal(signal, step === 'none' ? null : 'SIGKILL', stderr)
  return stdout.trim()
}

describe('a dead letter repaired by hand', () => {
  for (const step of ['amend-1', 'publish-1', 'amend-2']) {
    test(`that was killed behind ${step} is finished by doing it again`, async () => {
      await using folder = await temporaryFolder()
      const key = await deadLetterIn(folder.path)
      await redriveUntil(folder.path, key, step)
      assert.match(await redriveUntil(folder.path, key, 'none'), /^(published|accepted)$/)
      await assertMended(folder.path, key, step === 'publish-1' ? 2 : 1)
    })
  }

  test('is the same record with a new verdict, published once, its raw unchanged, found by its product', async () => {
    await using folder = await temporaryFolder()
    const key = await deadLetterIn(folder.path)
    const at = { cwd: folder.path }
    const unmended = await run(['dlq', 'redrive', key], at)
    assert.equal(unmended.code, 1)
    assert.match(unmended.stdout, /still rejected: product_id is missing/)

    const mended = await run(['dlq', 'redrive', key, '--review', '-'], { ...at, input: MENDED })
    assert.equal(mended.code, 0, mended.stderr)
    assert.match(mended.stdout, /accepted now, and published/)
    const again = await run(['dlq', 'redrive', key, '--review', '-'], { ...at, input: MENDED })
    assert.match(again.stdout, /nothing to do/)
    await assertMended(folder.path, key, 1)
  })

  test('keeps the repair when the same faulty item comes again', async () => {
    await using folder = await temporaryFolder()
    const key = await deadLetterIn(folder.path)
    await run(['dlq', 'redrive', key, '--review', '-'], { cwd: folder.path, input: MENDED })
    const again = await json<{ unchanged: number }>(['import', 'one.ndjson'], folder.path)
    // The redriven event and the item that came again.
    assert.ok(again.unchanged >= 1)
    await assertMended(folder.path, key, 1)
  })

  test('is kept by a replay, which has an id of its own', async () => {
    await using folder = await temporaryFolder()
    const key = await deadLetterIn(folder.path)
    await run(['dlq', 'redrive', key, '--review', '-'], { cwd: folder.path, input: MENDED })
    const counts = await json<Record<string, unknown>>(['replay', '--to-topic', 'again'], folder.path)
    assert.deepEqual([counts['looked'], counts['published'], counts['rejected']], [1, 1, 0])
    const [event] = await lines<Event>(['tail', 'again', '--limit', '1'], folder.path)
    const [first] = await lines<Event>(['tail', 'raw-reviews', '--limit', '1'], folder.path)
    assert.deepEqual([event?.recordkey, event?.data.review.product_id], [key, 'B0MENDED'])
    assert.notEqual(event?.id, first?.id)
    await assertMended(folder.path, key, 1)
  })

  test('says what is wrong with the command', async () => {
    await using folder = await temporaryFolder()
    const key = await deadLetterIn(folder.path)
    const at = { cwd: folder.path }
    assert.equal((await run(['dlq', 'redrive', key, '--review', 'absent.json'], at)).code, 2)
    assert.equal((await run(['dlq', 'redrive', key, '--review', '-'], { ...at, input: '[1]' })).code, 2)
    assert.equal((await run(['dlq', 'redrive', 'f'.repeat(32)], at)).code, 1)
    const discarded = await run(['dlq', 'discard', key, '--reason', 'a test'], at)
    assert.equal(discarded.code, 0, discarded.stderr)
    assert.deepEqual(await lines(['dlq', 'list'], folder.path), [])
    assert.equal((await rows(folder.path)).length, 1, 'it stays in the store')
  })
})

/** `copies`: how often it was published; all with one id, which is what consumers tell repeats by. */
async function assertMended(folder: string, key: string, copies: number): Promise<void> {
  const found = await lines<Row>(['reviews', 'list', '--product', 'B0MENDED'], folder)
  assert.deepEqual(
    found.map((row) => [row.key, row.raw, row.verdict.status]),
    [[key, FAULTY, 'accepted']],
  )
  assert.deepEqual(await lines(['dlq', 'list'], folder), [])
  const events = await lines<Event>(['tail', 'raw-reviews', '--limit', String(copies)], folder)
  assert.equal(new Set(events.map(({ id }) => id)).size, 1)
  for (const { id, recordkey, data } of events) {
    assert.notEqual(id, recordkey)
    assert.deepEqual([recordkey, data.review.product_id, data.raw], [key, 'B0MENDED', JSON.parse(FAULTY)])
  }
  const backlog = await published(folder)
  assert.equal(backlog, copies)
}

/** How many messages the topic holds, read without leaving anything behind. */
async function published(folder: string): Promise<number> {
  await using tail = (await import('../support/cli.ts')).start(['tail', 'raw-reviews'], { cwd: folder })
  await tail.waitFor(/B0MENDED/)
  const { stdout } = await tail.stop('SIGINT')
  return stdout.split('\n').filter(Boolean).length
}
