import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import embeddedQueue from '../../src/queues/embedded/index.ts'
import type { Queue } from '../../src/queues/queue.ts'
import { getJob, listJobs, startJob } from '../../src/services/jobs.ts'
import { start, startProgram } from '../support/cli.ts'
import { finish, jobBehind } from '../support/job-moments.ts'
import { eventually, json, lines, rows, writeConfig } from '../support/pipeline.ts'
import { queueContext } from '../support/queue-context.ts'
import { review } from '../support/reviews.ts'
import { openPlace } from '../support/services.ts'
import { temporaryFolder } from '../support/temp.ts'

const program = join(import.meta.dirname, '../support/replay-until.ts')
const COUNT = 3_000
/** Every tenth is a dead letter. */
const ACCEPTED = 2_700
const DONE = { kind: 'replay', state: 'done', done: COUNT, passed: ACCEPTED, failed: COUNT - ACCEPTED }

/** Stored reviews, and a queue that waits for who reads it where it holds as much as that. */
async function shop(path: string, maxBytes: string): Promise<void> {
  await writeConfig(path, '', 0, { queue: { type: 'embedded', max_bytes: maxBytes } })
  const reviews = Array.from({ length: COUNT }, (_, n) =>
    review(`R${n}`, {
      product_id: `P${n % 7}`,
      rating: n % 10 === 9 ? 9 : 4,
      review_text: randomBytes(900).toString('base64'),
    }),
  )
  await writeFile(join(path, 'reviews.ndjson'), reviews.join('\n'))
  await json(['import', 'reviews.ndjson'], path)
}

interface Event {
  readonly id: string
  readonly recordkey: string
}

describe('a replay that is killed', () => {
  test('twice by whoever runs it is gone on with until all is published, and changes nothing in the store', async () => {
    await using folder = await temporaryFolder()
    const { path } = folder
    await shop(path, '2MiB')
    const before = await rows(path)
    await using place = await openPlace(join(path, 'data'))
    const { registry } = place

    await using first = start(['replay', '--to-topic', 'again'], { cwd: path })
    const { id } = await eventually(async () => (await listJobs(registry))[0], 'the job')
    const { done } = await jobBehind(1, id, registry)
    await first.kill()

    await using second = start(['jobs', 'resume', id], { cwd: path })
    const read: Event[] = []
    while ((await getJob(registry, id)).done <= done)
      read.push(...(await lines<Event>(['tail', 'again', '--group', 'storage', '--limit', '200'], path)))
    await second.kill()
    assert.equal((await getJob(registry, id)).state, 'running', 'nobody has ended it')

    const ended = finish(id, path)
    await using tail = start(['tail', 'again', '--group', 'storage'], { cwd: path })
    await tail.waitFor((line) => {
      if (line.startsWith('{')) read.push(JSON.parse(line) as Event)
      return idsOf(read).size === ACCEPTED || undefined
    })
    assert.partialDeepStrictEqual(await ended, DONE)
    for (const [key, ids] of idsOf(read)) assert.equal(new Set(ids).size, 1, key)
    assert.deepEqual(await rows(path), before)
  })

  test('twice behind a page that is published and not noted repeats that page alone, with the same ids, and counts it once', async () => {
    await using folder = await temporaryFolder()
    const { path } = folder
    await shop(path, '1GiB')
    await using place = await openPlace(join(path, 'data'))
    const { id } = await startJob(
      {
        kind: 'replay',
        params: { to: new Date().toISOString(), target: { to: 'topic', name: 'again' } },
        by: 'test',
      },
      { ...place, openTarget: () => openTopic(path), clock: Date.now, signal: new AbortController().signal },
    )
    // The second page is published by three processes.
    for (const page of ['2', '1']) {
      await using running = startProgram(process.execPath, [program, join(path, 'data'), id, page])
      const { signal, stderr } = await running.exited
      assert.equal(signal, 'SIGKILL', stderr)
      assert.equal((await getJob(place.registry, id)).done, 500)
    }
    assert.partialDeepStrictEqual(await finish(id, path), DONE)
    const ids = idsOf(await allIn(path))
    assert.equal(ids.size, ACCEPTED)
    for (const [key, each] of ids) assert.equal(new Set(each).size, 1, key)
    const [, second] = await Array.fromAsync(place.store.scan({ by: 'time' }))
    const repeated = second?.records.filter(({ verdict }) => verdict.status === 'accepted')
    const thrice = [...ids].filter(([, { length }]) => length === 3).map(([key]) => key)
    assert.deepEqual(thrice.toSorted(), repeated?.map(({ key }) => key).toSorted())
    assert.equal([...ids.values()].filter(({ length }) => length === 1).length, ACCEPTED - thrice.length)
  })
})

/** The ids by record key. */
function idsOf(events: readonly Event[]): ReadonlyMap<string, readonly string[]> {
  const ids = new Map<string, string[]>()
  for (const { id, recordkey } of events) ids.set(recordkey, [...(ids.get(recordkey) ?? []), id])
  return ids
}

const openTopic = (path: string): Promise<Queue> =>
  embeddedQueue.open(embeddedQueue.config.parse({}), queueContext(join(path, 'data'), 'again'))

/** All messages of the topic. */
async function allIn(path: string): Promise<readonly Event[]> {
  await using queue = await openTopic(path)
  const total = (await queue.backlog?.('storage')) ?? 0
  const events: Event[] = []
  for await (const { items } of queue.read({ signal: new AbortController().signal })) {
    events.push(...items.map(({ body }) => JSON.parse(body.toString()) as Event))
    if (events.length >= total) break
  }
  return events
}
