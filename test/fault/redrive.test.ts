import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom, below } from '../../src/lib/random.ts'
import { getJob, listJobs, setJobState } from '../../src/services/jobs.ts'
import type { Registry } from '../../src/stores/registry.ts'
import { run, type Running, start, startProgram } from '../support/cli.ts'
import { finish, jobBehind } from '../support/job-moments.ts'
import { eventually, json, lines, type Row, rows } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { openPlace, type Place, storeAll } from '../support/services.ts'
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

const COUNT = Number(process.env['HEADWATER_REDRIVE_COUNT'] ?? 2_000)

describe('a cluster of dead letters', () => {
  test(`of ${COUNT} that is redriven while it is killed twice, and while it is paused, is published and stored once each`, async (t) => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 100_000)
    t.diagnostic(`SEED=${seed}`)
    const random = createRandom(seed)
    await using folder = await temporaryFolder()
    const cluster = await clusterIn(folder.path)
    await using place = await openPlace(join(folder.path, 'data'))
    const { registry } = place
    const upTo = (share: number): Moment => ({
      done: below(random, Math.floor(COUNT * share)),
      into: random(),
    })

    await using first = start(['dlq', 'redrive', '--cluster', cluster, '--parse', 'rating=stars'], {
      cwd: folder.path,
    })
    const { id } = await eventually(async () => (await listJobs(registry))[0], 'the job')
    await killAt(upTo(0.3), id, first, registry)
    await using second = start(['jobs', 'resume', id], { cwd: folder.path })
    await killAt(upTo(0.5), id, second, registry)

    await using third = start(['jobs', 'resume', id], { cwd: folder.path })
    // A killed one leaves its name: this one is at work once it has come further.
    await jobBehind(Math.max(upTo(0.6).done, (await getJob(registry, id)).done + 1), id, registry)
    await setJobState(registry, id, 'pause', 'test')
    await third.kill()
    const paused = await getJob(registry, id)
    assert.equal(paused.state, 'paused')

    const told = await finish(id, folder.path)
    const counts = { state: 'done', done: COUNT, passed: COUNT, failed: 0, inFlight: [] }
    assert.partialDeepStrictEqual(told, counts)
    assert.equal(told.owner, undefined)
    await assertRedriven(folder.path)
    const copies = await publications(place)
    await storeAll(place)
    await assertRedriven(folder.path)
    t.diagnostic(`${copies - COUNT} of ${COUNT} were published twice, with the same id`)
  })
})

/** So many letters with one fault, in the store. */
async function clusterIn(folder: string): Promise<string> {
  const reviews = Array.from({ length: COUNT }, (_, n) =>
    review(`S${n}`, { rating: `${n % 6}.0 out of 5 stars` }),
  )
  await writeFile(join(folder, 'stars.ndjson'), reviews.join('\n'))
  await json(['import', 'stars.ndjson'], folder)
  const [first] = await lines<{ readonly cluster: string; readonly count: number }>(
    ['dlq', 'clusters'],
    folder,
  )
  assert.equal(first?.count, Math.min(COUNT, 10_000))
  return first.cluster
}

interface Moment {
  /** So many letters are done by then. */
  readonly done: number
  /** From 0 to 1: how far into the batch. */
  readonly into: number
}

/** Ends a process at a moment of a batch, which takes as long as the one before. */
async function killAt(
  { done, into }: Moment,
  id: string,
  running: Running,
  registry: Registry,
): Promise<void> {
  const before = await jobBehind(done, id, registry)
  const beganAt = performance.now()
  const job = await jobBehind(before.done + 1, id, registry)
  await sleep((performance.now() - beganAt) * into)
  assert.notEqual(job.state, 'done', 'killed too late')
  await running.kill()
}

/** Every letter is one accepted row with the rating that its raw says, and none is left in between. */
async function assertRedriven(folder: string): Promise<void> {
  const found = await rows(folder)
  assert.equal(found.length, COUNT)
  assert.equal(new Set(found.map(({ key }) => key)).size, COUNT)
  for (const { key, verdict, raw = '' } of found) {
    assert.deepEqual([key, verdict.status, 'unpublished' in verdict], [key, 'accepted', false])
    const { rating } = JSON.parse(raw) as { readonly rating: string }
    assert.equal(verdict.review?.['rating'], Number(rating[0]))
  }
  assert.deepEqual(await lines(['dlq', 'clusters'], folder), [])
}

/** How many messages the queue holds: every letter is among them, and what is there twice has one id. */
async function publications({ queue }: Place): Promise<number> {
  const stop = new AbortController()
  const total = (await queue.backlog?.('storage')) ?? 0
  const ids = new Map<string, Set<string>>()
  let read = 0
  for await (const { items } of queue.read({ signal: stop.signal })) {
    read += items.length
    for (const { body } of items) {
      const { id, recordkey } = JSON.parse(body.toString()) as Event
      ids.set(recordkey, (ids.get(recordkey) ?? new Set()).add(id))
    }
    if (read >= total) break
  }
  assert.equal(ids.size, COUNT)
  for (const [key, each] of ids) assert.equal(each.size, 1, key)
  return total
}

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
