import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { below, createRandom } from '../../src/lib/random.ts'
import { listJobs } from '../../src/services/jobs.ts'
import embeddedQueue from '../../src/queues/embedded/index.ts'
import { start } from '../support/cli.ts'
import { finish, killAt, type Moment } from '../support/job-moments.ts'
import { eventually, json, rows } from '../support/pipeline.ts'
import { queueContext } from '../support/queue-context.ts'
import { review } from '../support/reviews.ts'
import { openPlace } from '../support/services.ts'
import { temporaryFolder } from '../support/temp.ts'

const COUNT = Number(process.env['HEADWATER_REPLAY_COUNT'] ?? 6_000)
/** Every tenth is a dead letter. */
const ACCEPTED = COUNT - Math.floor(COUNT / 10)

describe('a replay', () => {
  test(`of ${COUNT} records that is killed twice publishes all that is accepted, repeats with the same ids, and counts each once`, async (t) => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 100_000)
    t.diagnostic(`SEED=${seed}`)
    const random = createRandom(seed)
    await using folder = await temporaryFolder()
    const { path } = folder
    const reviews = Array.from({ length: COUNT }, (_, n) =>
      review(`R${n}`, { product_id: `P${n % 7}`, rating: n % 10 === 9 ? 9 : 4 }),
    )
    await writeFile(join(path, 'reviews.ndjson'), reviews.join('\n'))
    await json(['import', 'reviews.ndjson'], path)
    const before = await rows(path)
    await using place = await openPlace(join(path, 'data'))
    const { registry } = place
    const upTo = (share: number): Moment => ({
      done: below(random, Math.floor(COUNT * share)),
      into: random(),
    })

    await using first = start(['replay', '--to-topic', 'again'], { cwd: path })
    const { id } = await eventually(async () => (await listJobs(registry))[0], 'the job')
    await killAt(upTo(0.3), id, first, registry)
    await using second = start(['jobs', 'resume', id], { cwd: path })
    await killAt(upTo(0.6), id, second, registry)

    const told = await finish(id, path)
    assert.partialDeepStrictEqual(told, {
      kind: 'replay',
      state: 'done',
      done: COUNT,
      passed: ACCEPTED,
      failed: COUNT - ACCEPTED,
    })
    const ids = await idsIn(join(path, 'data'), 'again')
    assert.equal(ids.size, ACCEPTED)
    for (const [key, each] of ids) assert.equal(new Set(each).size, 1, key)
    assert.deepEqual(await rows(path), before, 'the store is as it was')
    const copies = [...ids.values()].reduce((sum, each) => sum + each.length - 1, 0)
    t.diagnostic(`${copies} of ${ACCEPTED} were published twice, with the same id`)
  })
})

/** The ids of all messages of a topic, by record key. */
async function idsIn(dataDir: string, topic: string): Promise<ReadonlyMap<string, readonly string[]>> {
  await using queue = await embeddedQueue.open(embeddedQueue.config.parse({}), queueContext(dataDir, topic))
  const total = (await queue.backlog?.('storage')) ?? 0
  const stop = new AbortController()
  const ids = new Map<string, string[]>()
  let read = 0
  for await (const { items } of queue.read({ signal: stop.signal })) {
    read += items.length
    for (const { body } of items) {
      const { id, recordkey } = JSON.parse(body.toString()) as { id: string; recordkey: string }
      ids.set(recordkey, [...(ids.get(recordkey) ?? []), id])
    }
    if (read >= total) break
  }
  return ids
}
