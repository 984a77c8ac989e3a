import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { HeadwaterError, TransientError } from '../../../src/errors.ts'
import { loadPreset } from '../../../src/presets/index.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import type { Message } from '../../../src/queues/queue.ts'
import { judge } from '../../../src/review/interpret.ts'
import { openChanges } from '../../../src/services/changes.ts'
import type { Job } from '../../../src/services/job.ts'
import { replayedBy } from '../../../src/services/job-replay.ts'
import type { JobParts } from '../../../src/services/job-work.ts'
import { getJob, listJobs, runJob, setJobState, startJob } from '../../../src/services/jobs.ts'
import type { ReplayParams } from '../../../src/services/replay-params.ts'
import type { Store } from '../../../src/stores/store.ts'
import { put } from '../../support/records.ts'
import { review } from '../../support/reviews.ts'
import { losingAnswer, openPlace, type Place } from '../../support/services.ts'
import { temporaryFolder } from '../../support/temp.ts'

const rules = compileRules(await loadPreset('canonical'))
const by = 'test@here'
const TO = new Date(5_000_000).toISOString()
const TOPIC: ReplayParams = { to: TO, target: { to: 'topic', name: 'again' } }

interface Scene extends AsyncDisposable {
  readonly place: Place
  readonly parts: JobParts
  /** Ids of what was published, by record key, in their order. */
  readonly published: Map<string, string[]>
  readonly stop: AbortController
}

/** Records received a millisecond apart from two sources and of two products; every fifth is a dead letter. */
async function scene(count: number): Promise<Scene> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await temporaryFolder())
  const place = opened.use(await openPlace(folder.path))
  const records = Array.from({ length: count }, (_, n) => {
    const raw = Buffer.from(review(`R${n}`, { product_id: `P${n % 2}`, rating: n % 5 === 4 ? 9 : 4 }))
    const source = n % 3 === 0 ? 'shop' : 'hook'
    return judge({ origin: source, receivedAt: n, raw, context: { source, kind: 'file' } }, rules)
  })
  await put(place.store, records)
  const published = new Map<string, string[]>()
  const stop = new AbortController()
  let seq = 0
  const parts: JobParts = {
    store: place.store,
    registry: place.registry,
    reviews: { publish: async () => assert.fail('a replay goes to its target') },
    openTarget: async () => ({
      publish: async (messages) => (note(messages, published), []),
      [Symbol.asyncDispose]: async () => {},
    }),
    openRules: async () => async () => rules,
    number: () => ({ run: 'process', seq: seq++ }),
    clock: Date.now,
    signal: stop.signal,
  }
  const resources = opened.move()
  return { place, parts, published, stop, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

function note(messages: readonly Message[], published: Map<string, string[]>): void {
  for (const { body } of messages) {
    const { id, recordkey } = JSON.parse(body.toString()) as { id: string; recordkey: string }
    published.set(recordkey, [...(published.get(recordkey) ?? []), id])
  }
}

/** Where it goes publishes by this function. */
const into = (publish: (messages: readonly Message[]) => Promise<[]>): Pick<JobParts, 'openTarget'> => ({
  openTarget: async () => ({ publish, [Symbol.asyncDispose]: async () => {} }),
})

const replay = ({ parts }: Scene, params = TOPIC): Promise<Job> =>
  startJob({ kind: 'replay', params, by }, parts)

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof HeadwaterError && error.code === code

describe('a replay', () => {
  test('publishes what is accepted, each once and with an id of its own, and tells how far it is', async () => {
    await using it = await scene(1_200)
    const { id } = await replay(it)
    const told: number[] = []
    const job = await runJob(id, { ...it.parts, onProgress: ({ done }) => told.push(done) })
    assert.partialDeepStrictEqual(job, { state: 'done', done: 1_200, passed: 960, failed: 240, inFlight: [] })
    assert.deepEqual(told, [500, 1_000, 1_200])
    assert.deepEqual(replayedBy(job), { looked: 1_200, published: 960, rejected: 240, refused: 0 })
    assert.equal(it.published.size, 960)
    for (const [key, ids] of it.published) assert.deepEqual([ids.length, ids.includes(key)], [1, false])
    const { changes } = await openChanges(it.place.registry).list()
    assert.deepEqual(
      changes.map(({ who, what, about }) => [who, what, about]),
      [
        [by, 'replay ended', `job ${id}`],
        [by, 'replay', 'to the topic again'],
      ],
    )
    const second = await replay(it)
    await runJob(second.id, it.parts)
    for (const ids of it.published.values()) assert.equal(new Set(ids).size, 2, 'another replay, other ids')
  })

  test('that ended before a page was noted publishes it again with the same ids, and counts it once', async () => {
    await using it = await scene(1_200)
    const { id } = await replay(it)
    let pages = 0
    const dying = into(async (messages) => {
      note(messages, it.published)
      if (++pages === 2) throw new Error('the power went')
      return []
    })
    await assert.rejects(runJob(id, { ...it.parts, ...dying }), /the power went/)
    assert.partialDeepStrictEqual(await getJob(it.place.registry, id), {
      state: 'failed',
      why: 'the power went',
      done: 500,
      passed: 400,
    })
    await setJobState(it.place.registry, id, 'resume', by)
    const job = await runJob(id, { ...it.parts, number: () => ({ run: 'another process', seq: 0 }) })
    assert.partialDeepStrictEqual(job, { state: 'done', done: 1_200, passed: 960, failed: 240 })
    assert.equal(it.published.size, 960)
    const ids = [...it.published.values()]
    assert.equal(ids.filter(({ length }) => length === 2).length, 400)
    for (const each of ids) assert.equal(new Set(each).size, 1)
  })

  test('counts a page once, also where the answer to its note was lost: it was counted twice', async () => {
    await using it = await scene(60)
    const { id } = await replay(it)
    const registry = losingAnswer(it.place.registry)
    const job = await runJob(id, { ...it.parts, registry })
    assert.partialDeepStrictEqual(job, { state: 'done', done: 60, passed: 48, failed: 12 })
    assert.equal(registry.lost(), 1)
  })

  test('that was paused and resumed while its queue was away leaves no page out: it went on behind one that it had not published', async () => {
    await using it = await scene(1_200)
    const { registry } = it.place
    const { id } = await replay(it)
    let isAway = true
    const away = into(async (messages) => {
      if (isAway) {
        const { state } = await getJob(registry, id)
        if (state === 'running') await setJobState(registry, id, 'pause', by)
        throw new TransientError('QUEUE_UNAVAILABLE', 'the queue is away')
      }
      note(messages, it.published)
      return []
    })
    async function resume(): Promise<void> {
      isAway = false
      const { updatedAt } = await setJobState(registry, id, 'resume', by)
      // Until whoever runs it has looked.
      while ((await getJob(registry, id)).updatedAt === updatedAt) await sleep(20)
    }
    // It is resumed while the store is asked for more.
    const store: Store = {
      ...it.place.store,
      async *scan(scan) {
        for await (const page of it.place.store.scan(scan)) {
          yield page
          if (isAway) await resume()
        }
      },
    }
    await runJob(id, { ...it.parts, ...away, store })
    isAway = false
    if ((await getJob(registry, id)).state === 'paused') await setJobState(registry, id, 'resume', by)
    const job = await runJob(id, { ...it.parts, ...away })
    assert.partialDeepStrictEqual(job, { state: 'done', done: 1_200, passed: 960, failed: 240 })
    assert.equal(it.published.size, 960)
  })

  test('is of what it selects: a window of time, a source, a product', async () => {
    await using it = await scene(300)
    const at = (ms: number): string => new Date(ms).toISOString()
    const expected: readonly [Partial<ReplayParams>, number][] = [
      [{ from: at(100), to: at(250) }, 150],
      [{ source: 'shop' }, 100],
      [{ product: 'P1' }, 150],
      [{ source: 'shop', product: 'P1', to: at(150) }, 25],
    ]
    for (const [selected, looked] of expected) {
      const { id } = await replay(it, { ...TOPIC, ...selected })
      assert.equal((await runJob(id, it.parts)).done, looked, JSON.stringify(selected))
    }
  })

  test('without a target counts, opens no queue, and is no change', async () => {
    await using it = await scene(300)
    const parts = { ...it.parts, openTarget: async () => assert.fail('there is none') }
    const { id } = await startJob({ kind: 'replay', params: { to: TO }, by }, parts)
    const job = await runJob(id, parts)
    assert.partialDeepStrictEqual(job, { state: 'done', done: 300, passed: 240, failed: 60 })
    assert.equal(it.published.size, 0)
    assert.deepEqual((await openChanges(it.place.registry).list()).changes, [])
  })

  test('whose target can not be opened does not begin', async () => {
    await using it = await scene(1)
    const openTarget = async () => {
      throw new HeadwaterError('USAGE', 'a group has no queue of its own')
    }
    const begun = startJob({ kind: 'replay', params: TOPIC, by }, { ...it.parts, openTarget })
    await assert.rejects(begun, hasCode('USAGE'))
    assert.deepEqual(await listJobs(it.place.registry), [])
  })

  test('is paused between two pages, and goes on behind the last one', async () => {
    await using it = await scene(1_200)
    const { id } = await replay(it)
    const { registry } = it.place
    const pausing = into(async (messages) => {
      note(messages, it.published)
      await setJobState(registry, id, 'pause', by)
      return []
    })
    const paused = await runJob(id, { ...it.parts, ...pausing })
    assert.partialDeepStrictEqual(paused, { state: 'paused', why: `by ${by}`, done: 500 })
    await setJobState(registry, id, 'resume', by)
    assert.partialDeepStrictEqual(await runJob(id, it.parts), { state: 'done', done: 1_200, passed: 960 })
    for (const ids of it.published.values()) assert.equal(ids.length, 1)
  })

  test('waits for a queue that is away, but not when it is stopped meanwhile', async () => {
    await using it = await scene(300)
    const { id } = await replay(it)
    const away = into(async () => Promise.reject(new TransientError('QUEUE_UNAVAILABLE', 'away')))
    let stopped: Promise<Job> | undefined
    const onTrouble = (): void => void (stopped ??= setJobState(it.place.registry, id, 'stop', by))
    const job = await runJob(id, { ...it.parts, ...away, onTrouble })
    assert.partialDeepStrictEqual(job, { state: 'stopped', why: `by ${by}`, done: 0 })
    await setJobState(it.place.registry, id, 'resume', by)
    assert.partialDeepStrictEqual(await runJob(id, it.parts), { state: 'done', done: 300, passed: 240 })
  })

  test('publishes nothing of a review that was erased while the queue was away', async () => {
    await using it = await scene(10)
    const { store } = it.place
    const [gone = ''] = (await Array.fromAsync(store.scan({ by: 'time' }))).flatMap(({ records }) =>
      records.map(({ key }) => key),
    )
    let failures = 0
    const away = into(async (messages) => {
      if (failures++ > 0) return (note(messages, it.published), [])
      await store.erase([gone])
      throw new TransientError('QUEUE_UNAVAILABLE', 'away')
    })
    const { id } = await replay(it)
    const job = await runJob(id, { ...it.parts, ...away })
    assert.partialDeepStrictEqual(job, { state: 'done', done: 9, passed: 7 })
    assert.equal(it.published.size, 7)
    assert.ok(!it.published.has(gone))
  })

  test('that its process leaves goes on elsewhere: it is running, and nobody owns it', async () => {
    await using it = await scene(1_200)
    const { id } = await replay(it)
    const job = await runJob(id, { ...it.parts, onProgress: () => it.stop.abort() })
    assert.partialDeepStrictEqual(job, { state: 'running', done: 500 })
    assert.equal(job.owner, undefined)
  })

  test('asks a store that fails for now again, from where it is', async () => {
    await using it = await scene(1_200)
    const { id } = await replay(it)
    let failures = 0
    const store: JobParts['store'] = {
      ...it.place.store,
      async *scan(options) {
        for await (const page of it.place.store.scan(options)) {
          yield page
          if (failures++ < 2) throw new TransientError('STORE_UNAVAILABLE', 'away')
        }
      },
    }
    const job = await runJob(id, { ...it.parts, store })
    assert.partialDeepStrictEqual(job, { state: 'done', done: 1_200, passed: 960 })
    for (const ids of it.published.values()) assert.equal(ids.length, 1)
  })

  test('says what the queue would not take, and goes on', async () => {
    await using it = await scene(10)
    const { id } = await replay(it)
    const refusing = {
      openTarget: async () => ({
        publish: async () => [{ index: 0, code: 'message_too_large', message: 'too large' }],
        [Symbol.asyncDispose]: async () => {},
      }),
    }
    const job = await runJob(id, { ...it.parts, ...refusing })
    const counts = { looked: 10, published: 7, rejected: 2, refused: 1, refusal: 'too large' }
    assert.deepEqual([job.state, replayedBy(job)], ['done', counts])
  })
})
