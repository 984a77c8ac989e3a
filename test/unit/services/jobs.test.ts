import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { HeadwaterError, TransientError } from '../../../src/errors.ts'
import { loadPreset } from '../../../src/presets/index.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import { judge } from '../../../src/review/interpret.ts'
import { type Repair, repairId } from '../../../src/review/repair.ts'
import { openChanges } from '../../../src/services/changes.ts'
import { createJob, type Job, updateJob } from '../../../src/services/job.ts'
import type { JobParts } from '../../../src/services/job-work.ts'
import {
  getJob,
  listJobs,
  runAbandonedJobs,
  runJob,
  setJobState,
  startJob,
} from '../../../src/services/jobs.ts'
import type { Scan, Stored } from '../../../src/stores/store.ts'
import { put } from '../../support/records.ts'
import { review } from '../../support/reviews.ts'
import { losingAnswer, openPlace, type Place } from '../../support/services.ts'
import { temporaryFolder } from '../../support/temp.ts'

const rules = compileRules(await loadPreset('canonical'))
const by = 'test@here'
const mends = { pointer: '/rating', keyword: 'type' }
const steps = [{ parse: 'rating', as: 'stars' }] as const
const STARS: Repair = { id: repairId({ mends, steps }), mends, steps }
/** What no process has: numbers are lower than this. */
const ENDED = 2 ** 30

interface Scene extends AsyncDisposable {
  readonly place: Place
  readonly parts: JobParts
  readonly cluster: string
  readonly stop: AbortController
}

/** Letters whose rating is a text, of which those with these numbers can't be read as stars. */
async function scene(count: number, hopeless: (n: number) => boolean = () => false): Promise<Scene> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await temporaryFolder())
  const place = opened.use(await openPlace(folder.path))
  const letters = Array.from({ length: count }, (_, n) => {
    const rating = hopeless(n) ? '9.0 out of 5 stars' : `${n % 5}.0 out of 5 stars`
    const raw = Buffer.from(review(`S${n}`, { rating }))
    return judge({ origin: 'shop', receivedAt: n, raw, context: { source: 'shop', kind: 'file' } }, rules)
  })
  await put(place.store, letters)
  const [first] = letters
  assert.ok(first?.verdict.status === 'rejected')
  const stop = new AbortController()
  let seq = 0
  const parts = {
    store: place.store,
    registry: place.registry,
    reviews: place.queue,
    openTarget: async () => assert.fail('nothing here has a target'),
    openRules: async () => async () => rules,
    number: () => ({ run: 'job', seq: seq++ }),
    clock: Date.now,
    signal: stop.signal,
  }
  const resources = opened.move()
  return {
    place,
    parts,
    stop,
    cluster: first.verdict.cluster,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

const redrive = ({ parts, cluster }: Scene, canary?: { count: number; minShare: number }): Promise<Job> =>
  startJob({ kind: 'redrive', params: { cluster, repair: STARS, ...(canary && { canary }) }, by }, parts)

async function verdicts({ place }: Scene): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for await (const { records } of place.store.scan({ by: 'time' }))
    for (const { verdict } of records) {
      const discarded = verdict.status === 'rejected' && verdict.discarded !== undefined
      const name = verdict.unpublished ? 'unpublished' : discarded ? 'discarded' : verdict.status
      counts[name] = (counts[name] ?? 0) + 1
    }
  return counts
}

const backlog = ({ place }: Scene): Promise<number | undefined> =>
  place.queue.backlog?.('storage') ?? Promise.resolve(undefined)

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof HeadwaterError && error.code === code

describe('a job', () => {
  test('redrives a cluster with a repair, which is tied to each letter, and says what it did', async () => {
    await using it = await scene(450)
    const told: number[] = []
    const { id } = await redrive(it)
    const job = await runJob(id, { ...it.parts, onProgress: ({ done }) => told.push(done) })
    assert.partialDeepStrictEqual(job, { state: 'done', total: 450, done: 450, passed: 450, failed: 0 })
    assert.deepEqual([job.inFlight, job.owner], [[], undefined])
    assert.deepEqual(told, [200, 400, 450])
    assert.deepEqual(await verdicts(it), { accepted: 450 })
    assert.equal(await backlog(it), 450)
    for await (const { records } of it.place.store.scan({ by: 'time' }))
      for (const { verdict } of records) assert.deepEqual(verdict.by.repairs, [STARS])
    const { changes } = await openChanges(it.place.registry).list()
    assert.deepEqual(
      changes.map(({ who, what }) => [who, what]),
      [
        [by, 'redrive ended'],
        [by, 'redrive'],
      ],
    )
  })

  test('leaves what still fails as it is, says why, and does not try it again', async () => {
    await using it = await scene(300, (n) => n % 3 === 0)
    const { id } = await redrive(it)
    let asked = 0
    const counting = async () => async () => (asked++, rules)
    const job = await runJob(id, { ...it.parts, openRules: counting })
    assert.partialDeepStrictEqual(job, { state: 'done', done: 300, passed: 200, failed: 100 })
    assert.equal(asked, 300)
    assert.deepEqual(
      job.reasons.map(({ code, count }) => [code, count]),
      [['invalid_rating', 100]],
    )
    assert.deepEqual(await verdicts(it), { accepted: 200, rejected: 100 })
  })

  test('stops behind a canary of which too few passed, and goes on behind one that did well enough', async () => {
    await using bad = await scene(120, (n) => n % 10 === 0)
    const stopped = await runJob((await redrive(bad, { count: 50, minShare: 0.95 })).id, bad.parts)
    assert.partialDeepStrictEqual(stopped, { state: 'stopped', done: 50, passed: 45 })
    assert.match(stopped.why ?? '', /only 45 of the first 50 passed, and 95 % were asked for/)
    assert.deepEqual(await verdicts(bad), { accepted: 45, rejected: 75 })
    await setJobState(bad.place.registry, stopped.id, 'resume', by)
    assert.partialDeepStrictEqual(await runJob(stopped.id, bad.parts), {
      state: 'done',
      done: 120,
      passed: 108,
    })

    await using good = await scene(120, (n) => n % 10 === 0)
    const job = await runJob((await redrive(good, { count: 50, minShare: 0.9 })).id, good.parts)
    assert.partialDeepStrictEqual(job, { state: 'done', done: 120, passed: 108 })
  })

  test('is paused by anybody between two batches, and resumed', async () => {
    await using it = await scene(450)
    const { id } = await redrive(it)
    const { registry } = it.place
    const pausing = {
      ...it.parts,
      onProgress: (job: Job) => void (job.done === 200 && (paused = setJobState(registry, id, 'pause', by))),
    }
    let paused: Promise<Job> | undefined
    const job = await runJob(id, { ...pausing, store: slow(it.parts, () => paused) })
    assert.partialDeepStrictEqual(job, { state: 'paused', why: `by ${by}`, done: 200 })
    assert.equal((await runJob(id, it.parts)).state, 'paused', 'nobody runs what is paused')
    await setJobState(registry, id, 'resume', by)
    assert.partialDeepStrictEqual(await runJob(id, it.parts), { state: 'done', done: 450, passed: 450 })
    await assert.rejects(setJobState(registry, id, 'pause', by), hasCode('JOB_ENDED'))
  })

  test('goes on where exactly the share passed that was asked for: 55 of 100 were fewer than 55 %', async () => {
    await using it = await scene(120, (n) => n < 45)
    const { id } = await redrive(it, { count: 100, minShare: 0.55 })
    assert.partialDeepStrictEqual(await runJob(id, it.parts), { state: 'done', done: 120, passed: 75 })
  })

  test('that is paused while its canary is under way stops where that failed: it ran on when it was resumed', async () => {
    await using it = await scene(120, (n) => n % 10 === 0)
    const { registry } = it.place
    for (const [minShare, state] of [
      [0.95, 'stopped'],
      [0.5, 'paused'],
    ] as const) {
      const { id } = await redrive(it, { count: 50, minShare })
      const store = {
        ...it.place.store,
        amend: async (...given: Parameters<typeof it.place.store.amend>) => {
          await setJobState(registry, id, 'pause', by)
          return it.place.store.amend(...given)
        },
      }
      assert.partialDeepStrictEqual(await runJob(id, { ...it.parts, store }), { state, done: 50 })
    }
  })

  test('that ended in the middle of a batch is finished by who goes on: what was marked is published', async () => {
    await using it = await scene(300)
    const { id } = await redrive(it)
    let left = 30
    const store = {
      ...it.place.store,
      amend: async (...given: Parameters<typeof it.place.store.amend>) => {
        if (left-- <= 0) throw new Error('the power went')
        return it.place.store.amend(...given)
      },
    }
    await assert.rejects(runJob(id, { ...it.parts, store }), /the power went/)
    assert.deepEqual(await verdicts(it), { unpublished: 30, rejected: 270 })
    const failed = await getJob(it.place.registry, id)
    assert.partialDeepStrictEqual(failed, { state: 'failed', why: 'the power went', done: 0 })
    assert.equal(failed.inFlight.length, 200)
    // As a process leaves it that was killed.
    const owner = { pid: ENDED, within: (await import('../../../src/lib/processes.ts')).thisProcess().within }
    await updateJob(it.place.registry, id, (job) => ({
      ...job,
      state: 'running',
      owner: { ...owner, host: 'here', token: 'dead' },
    }))
    await setJobState(it.place.registry, id, 'stop', by)
    const stopped = await runJob(id, it.parts)
    assert.partialDeepStrictEqual(stopped, { state: 'stopped', done: 200, passed: 200, inFlight: [] })
    assert.deepEqual(await verdicts(it), { accepted: 200, rejected: 100 })
  })

  test('is run by one process at a time, and taken over from one that has ended', async () => {
    await using it = await scene(250)
    const { id } = await redrive(it)
    const { within } = (await import('../../../src/lib/processes.ts')).thisProcess()
    await updateJob(it.place.registry, id, (job) => ({
      ...job,
      owner: { pid: ENDED, within, host: 'here', token: 'dead' },
    }))
    const watching = runAbandonedJobs(it.parts, (error) => assert.fail(String(error)))
    while ((await getJob(it.place.registry, id)).state !== 'done') await new Promise(setImmediate)
    it.stop.abort()
    await watching
    assert.deepEqual(await verdicts(it), { accepted: 250 })
  })

  test('that another process left does not wait for one that takes its time', async () => {
    await using it = await scene(10)
    const slow = await startJob({ kind: 'replay', params: { to: new Date().toISOString() }, by }, it.parts)
    const quick = await redrive(it)
    const { registry } = it.place
    const { within } = (await import('../../../src/lib/processes.ts')).thisProcess()
    const owner = { pid: ENDED, within, host: 'here', token: 'dead' }
    for (const { id } of [slow, quick]) await updateJob(registry, id, (job) => ({ ...job, owner }))
    const parts = {
      ...it.parts,
      store: {
        ...it.place.store,
        async *scan(options: Scan) {
          if (options.by === 'time') await once(it.stop.signal, 'abort')
          yield* it.place.store.scan(options)
        },
      },
    }
    const watching = runAbandonedJobs(parts, (error) => assert.fail(String(error)))
    while ((await getJob(registry, quick.id)).state !== 'done') await new Promise(setImmediate)
    assert.equal((await getJob(registry, slow.id)).owner?.pid, process.pid)
    it.stop.abort()
    await watching
    assert.partialDeepStrictEqual(await getJob(registry, slow.id), { state: 'running', done: 0 })
  })

  test('that lives is not taken over', async () => {
    await using it = await scene(10)
    const { id } = await redrive(it)
    const { thisProcess } = await import('../../../src/lib/processes.ts')
    const { registry } = it.place
    await updateJob(registry, id, (job) => ({
      ...job,
      owner: { ...thisProcess(), host: 'here', token: 'alive' },
    }))
    const running = runJob(id, it.parts)
    const refused = assert.rejects(running, hasCode('JOB_RUNNING'))
    // Its owner writes.
    let isRefused = false
    const done = refused.then(() => (isRefused = true))
    while (!isRefused) {
      await updateJob(registry, id, (job) => ({ ...job, updatedAt: new Date().toISOString() }))
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await done
    assert.deepEqual(await verdicts(it), { rejected: 10 })
  })

  test('waits where the queue can not be reached, and stops waiting when it is told to', async () => {
    await using it = await scene(20)
    const { id } = await redrive(it)
    const reviews = {
      publish: async () => Promise.reject(new TransientError('QUEUE_UNAVAILABLE', 'away')),
    }
    const onTrouble = (): void => it.stop.abort()
    const job = await runJob(id, { ...it.parts, reviews, onTrouble })
    assert.partialDeepStrictEqual(job, { state: 'running', done: 0 })
    assert.equal(job.inFlight.length, 20)
    const again = { ...it.parts, signal: new AbortController().signal }
    assert.partialDeepStrictEqual(await runJob(id, again), { state: 'done', passed: 20 })
    assert.deepEqual(await verdicts(it), { accepted: 20 })
  })

  test('counts a batch once, also where the answer to its note was lost: it was counted twice', async () => {
    await using it = await scene(30)
    const { id } = await startJob(
      { kind: 'discard', params: { cluster: it.cluster, reason: 'a test' }, by },
      it.parts,
    )
    const registry = losingAnswer(it.place.registry)
    const job = await runJob(id, { ...it.parts, registry })
    assert.partialDeepStrictEqual(job, { state: 'done', total: 30, done: 30, passed: 30 })
    assert.equal(registry.lost(), 1)
  })

  test('discards a cluster with a reason', async () => {
    await using it = await scene(250)
    const params = { cluster: it.cluster, reason: 'the provider mended it' }
    const { id } = await startJob({ kind: 'discard', params, by }, it.parts)
    assert.partialDeepStrictEqual(await runJob(id, it.parts), { state: 'done', done: 250, passed: 250 })
    assert.deepEqual(await verdicts(it), { discarded: 250 })
    assert.equal(await backlog(it), 0)
  })

  test('that failed with letters in flight is not forgotten, however many came later: nobody finished them', async () => {
    await using it = await scene(1)
    const first = await redrive(it)
    const { registry } = it.place
    await updateJob(registry, first.id, (job) => ({ ...job, state: 'failed', inFlight: ['k'] }))
    for (let n = 0; n < 101; n++)
      await createJob(registry, { ...first, id: `${first.id}-${n}`, state: 'done' })
    const last = await redrive(it)
    const ids = (await listJobs(registry)).map(({ id }) => id)
    assert.ok(ids.includes(first.id) && ids.includes(last.id))
    assert.ok(!ids.includes(`${first.id}-0`))
  })

  test('shares a cluster with others: each letter is published under one id or discarded, and never both', async () => {
    await using it = await scene(300)
    const { parts, cluster, place } = it
    const published: string[] = []
    const reviews: JobParts['reviews'] = {
      async publish(messages, options) {
        published.push(...messages.map(({ body }) => (JSON.parse(body.toString()) as { id: string }).id))
        return place.queue.publish(messages, options)
      },
    }
    const params = { cluster, reason: 'the provider mended it' }
    const jobs = [
      await redrive(it),
      await startJob({ kind: 'discard', params, by }, parts),
      await redrive(it),
    ]
    const done = await Promise.all(jobs.map(({ id }) => runJob(id, { ...parts, reviews })))
    assert.deepEqual(
      done.map(({ state }) => state),
      ['done', 'done', 'done'],
    )
    const { accepted = 0, discarded = 0, ...others } = await verdicts(it)
    assert.deepEqual([accepted + discarded, others], [300, {}])
    assert.equal(new Set(published).size, accepted)
    assert.equal(done[1]?.passed, discarded)
  })

  test('of a cluster without letters, or with a name that nobody knows, is told apart', async () => {
    await using it = await scene(1)
    const params = { cluster: '0123456789abcdef' }
    await assert.rejects(startJob({ kind: 'redrive', params, by }, it.parts), hasCode('NOT_FOUND'))
    await assert.rejects(getJob(it.place.registry, 'unknown'), hasCode('NOT_FOUND'))
    const [first, second] = [await redrive(it), await redrive(it)]
    const listed = await listJobs(it.place.registry)
    assert.deepEqual(new Set(listed.map(({ id }) => id)), new Set([first.id, second.id]))
  })
})

/** A store whose scans wait for something first. */
function slow({ store }: JobParts, wait: () => Promise<unknown> | undefined): JobParts['store'] {
  return {
    ...store,
    async *scan(options) {
      await wait()
      yield* store.scan({ ...options, where: (row: Stored) => options.where?.(row) ?? true })
    },
  }
}
