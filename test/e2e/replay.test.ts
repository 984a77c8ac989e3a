import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Job } from '../../src/services/job.ts'
import { getJob } from '../../src/services/jobs.ts'
import { type Exit, run, type Running, start } from '../support/cli.ts'
import { eventually, json, lines, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { openPlace, type Place } from '../support/services.ts'
import { temporaryFolder } from '../support/temp.ts'

const COUNT = 3_000

interface Event {
  readonly id: string
  readonly recordkey: string
}

/**
 * Stored reviews, and a queue that holds a part of them: a replay into a topic that nobody reads waits after a few pages,
 * and goes on once somebody does.
 */
async function shop(path: string): Promise<void> {
  const queue = { type: 'embedded', max_bytes: '2MiB' }
  await writeConfig(path, '', 0, { queue })
  const reviews = Array.from({ length: COUNT }, (_, n) =>
    review(`R${n}`, { product_id: `P${n % 7}`, review_text: randomBytes(900).toString('base64') }),
  )
  await writeFile(join(path, 'reviews.ndjson'), reviews.join('\n'))
  await json(['import', 'reviews.ndjson'], path)
}

/** Reads the topic until it has given that many records, and resolves to the ids of each. */
async function readAll(topic: string, path: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  await using tail = start(['tail', topic, '--group', 'storage'], { cwd: path })
  const ids = new Map<string, Set<string>>()
  await tail.waitFor((line) => {
    if (!line.startsWith('{')) return undefined
    const { id, recordkey } = JSON.parse(line) as Event
    ids.set(recordkey, (ids.get(recordkey) ?? new Set()).add(id))
    return ids.size === COUNT || undefined
  })
  return ids
}

function assertOneIdEach(ids: ReadonlyMap<string, ReadonlySet<string>>): void {
  assert.equal(ids.size, COUNT)
  for (const [key, each] of ids) assert.equal(each.size, 1, key)
}

/** The job once this is so. */
const jobThat = (is: (job: Job) => boolean, id: string, { registry }: Place): Promise<Job> =>
  eventually(async () => {
    const job = await getJob(registry, id)
    return is(job) ? job : undefined
  }, 'the job to be so')

async function post<T>(url: string, body: object = {}): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  assert.equal(response.status, 200, text)
  return JSON.parse(text) as T
}

const hasBegun = ({ done }: Job): boolean => done > 0
const isFree = ({ owner }: Job): boolean => owner === undefined

describe('a replay', () => {
  test('that is told to end by its terminal is paused, and gone on with from where it was', async () => {
    await using folder = await temporaryFolder()
    const { path } = folder
    await shop(path)
    await using place = await openPlace(join(path, 'data'))
    await using first = start(['replay', '--to-topic', 'again'], { cwd: path })
    const [, id = ''] = await first.waitFor(/the job is (\S+):/)
    await jobThat(hasBegun, id, place)
    const ended = await first.stop('SIGINT')
    assert.equal(ended.code, 130, ended.stderr)
    assert.match(ended.stdout, /is paused: by .*\n.* looked at · .* published\n`headwater jobs resume \S+`/)
    const { done } = await getJob(place.registry, id)
    assert.ok(done > 0 && done < COUNT)

    await using second = start(['jobs', 'resume', id], { cwd: path })
    assertOneIdEach(await readAll('again', path))
    assertDone(await second.exited)
    const [job] = await lines<Job>(['jobs', 'list'], path)
    assert.partialDeepStrictEqual(job, { kind: 'replay', state: 'done', done: COUNT, passed: COUNT })
  })

  test('that the console runs is paused, gone on with and stopped from the command line', async () => {
    await using folder = await temporaryFolder()
    const { path } = folder
    await shop(path)
    await using place = await openPlace(join(path, 'data'))
    const { process: up, admin } = await startUp(path)
    await using _ = up
    const { id } = await post<Job>(`${admin}/api/replays`, { toTopic: 'again' })
    await jobThat(hasBegun, id, place)
    assert.match((await run(['jobs', 'pause', id], { cwd: path })).stdout, /is paused/)
    const paused = await jobThat(isFree, id, place)
    assert.ok(paused.state === 'paused' && paused.done < COUNT, 'the console let go of it where it waited')
    const listed = await run(['jobs', 'list'], { cwd: path })
    assert.match(listed.stdout, /replay +to the topic again +paused/)
    const shown = await run(['jobs', 'show', id], { cwd: path })
    assert.match(shown.stdout, /selected +received before \d{4}-/)

    await using resumed = start(['jobs', 'resume', id], { cwd: path })
    assertOneIdEach(await readAll('again', path))
    assertDone(await resumed.exited)

    const other = await post<Job>(`${admin}/api/replays`, { toTopic: 'more' })
    await jobThat(hasBegun, other.id, place)
    assert.match((await run(['jobs', 'stop', other.id], { cwd: path })).stdout, /is stopped/)
    assert.equal((await jobThat(isFree, other.id, place)).state, 'stopped')
    await post(`${admin}/api/jobs/${other.id}/resume`)
    assertOneIdEach(await readAll('more', path))
    await jobThat(({ state }) => state === 'done', other.id, place)
    assert.equal((await up.stop()).code, 0)
  })

  test('whose process was killed is gone on with by another console', async () => {
    await using folder = await temporaryFolder()
    const { path } = folder
    await shop(path)
    await using place = await openPlace(join(path, 'data'))
    const { process: first, admin } = await startUp(path)
    await using _ = first
    const { id } = await post<Job>(`${admin}/api/replays`, { toTopic: 'again' })
    await jobThat(hasBegun, id, place)
    await first.kill()
    await using second: Running = (await startUp(path, 'console')).process
    assertOneIdEach(await readAll('again', path))
    const job = await jobThat(({ state }) => state === 'done', id, place)
    assert.partialDeepStrictEqual(job, { done: COUNT, passed: COUNT, failed: 0 })
    assert.equal((await second.stop()).code, 0)
  })

  test('that only counts leaves no job behind', async () => {
    await using folder = await temporaryFolder()
    const { path } = folder
    await writeFile(join(path, 'one.ndjson'), review('R1'))
    await json(['import', 'one.ndjson'], path)
    const { stdout } = await run(['replay', '--to-topic', 'again', '--dry-run'], { cwd: path })
    assert.equal(stdout, '1 looked at: 1 would be published to the topic again, 0 still rejected\n')
    const told = await json(['replay', '--to-topic', 'again', '--dry-run', '--source', 'none'], path)
    assert.partialDeepStrictEqual(told, { to: 'topic', name: 'again', dryRun: true, looked: 0, published: 0 })
    assert.deepEqual(await lines(['jobs', 'list'], path), [])
  })
})

function assertDone({ code, stdout, stderr }: Exit): void {
  assert.equal(code, 0, stderr)
  assert.match(stdout, /is done\n3,000 looked at · 3,000 published\n/)
}
