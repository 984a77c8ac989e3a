import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Change } from '../../src/services/changes.ts'
import type { Job } from '../../src/services/job.ts'
import { getJob, setJobState, startJob } from '../../src/services/jobs.ts'
import { run, start } from '../support/cli.ts'
import { eventually, json, lines, rows, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { openPlace } from '../support/services.ts'
import { temporaryFolder } from '../support/temp.ts'

interface Cluster {
  readonly cluster: string
  readonly count: number
  readonly shape?: string
  readonly pointer: string
  readonly muted?: { readonly reason: string; readonly by: string }
}

/** Letters with one fault, of which every `hopeless`-th is no number of stars. */
async function clusterIn(
  folder: string,
  count: number,
  hopeless = Number.POSITIVE_INFINITY,
): Promise<string> {
  const letters = Array.from({ length: count }, (_, n) =>
    review(`S${n}`, { rating: `${n % hopeless === hopeless - 1 ? 9 : n % 6}.0 out of 5 stars` }),
  )
  await writeFile(join(folder, 'stars.ndjson'), letters.join('\n'))
  await json(['import', 'stars.ndjson'], folder)
  const [found] = await lines<Cluster>(['dlq', 'clusters'], folder)
  assert.ok(found)
  assert.deepEqual([found.count, found.pointer, found.shape], [count, '/rating', '"9.9 a a 9 a"'])
  return found.cluster
}

const STARS = ['--parse', 'rating=stars']

describe('a cluster on the command line', () => {
  test('is counted by a dry run, stops behind a failed canary, and is gone on with by who resumes it', async () => {
    await using folder = await temporaryFolder()
    const { path } = folder
    const cluster = await clusterIn(path, 120, 10)
    const redrive = ['dlq', 'redrive', '--cluster', cluster, ...STARS]
    const dry = await run([...redrive, '--dry-run'], { cwd: path })
    assert.match(
      dry.stdout,
      /^120 letters: 108 would be published, 12 would still be rejected\n +12 +invalid_/,
    )
    assert.equal(dry.code, 1)
    assert.deepEqual(await lines(['jobs', 'list'], path), [])

    const stopped = await run([...redrive, '--canary', '50'], { cwd: path })
    assert.equal(stopped.code, 1, stopped.stderr)
    assert.match(stopped.stdout, /is stopped: only 45 of the first 50 passed, and 95 % were asked for/)
    assert.equal((await rows(path)).filter(({ verdict }) => verdict.status === 'accepted').length, 45)
    const id = /headwater jobs resume (\S+)`/.exec(stopped.stdout)?.[1] ?? ''

    const resumed = await run(['jobs', 'resume', id], { cwd: path })
    assert.match(resumed.stdout, /is done\n120 of 120 letters · 108 published · 12 still rejected\n/)
    const [job] = await lines<Job>(['jobs', 'list'], path)
    assert.partialDeepStrictEqual(job, { id, state: 'done', done: 120, passed: 108, failed: 12 })
    const again = await run(['jobs', 'pause', id], { cwd: path })
    assert.match(again.stderr, /^JOB_ENDED: the job .* is done: there is nothing to pause/)
  })

  test('is muted with a reason, not listed unasked, and still there', async () => {
    await using folder = await temporaryFolder()
    const { path } = folder
    const cluster = await clusterIn(path, 3)
    await json(['dlq', 'mute', cluster, '--reason', 'the provider knows'], path)
    const hidden = await run(['dlq', 'clusters'], { cwd: path })
    assert.deepEqual([hidden.stdout, hidden.stderr], ['', '1 muted: --muted shows them\n'])
    const [shown] = await lines<Cluster>(['dlq', 'clusters', '--muted'], path)
    assert.equal(shown?.muted?.reason, 'the provider knows')
    assert.equal((await lines(['dlq', 'list'], path)).length, 3)
    await json(['dlq', 'unmute', cluster], path)
    assert.equal((await lines(['dlq', 'clusters'], path)).length, 1)
    const changes = await lines<Change>(['changes', 'list'], path)
    assert.deepEqual(
      changes.map(({ what, about, who }) => [what, about, /^[^@]+@[^@]+$/.test(who)]),
      [
        ['unmute', `cluster ${cluster}`, true],
        ['mute', `cluster ${cluster}`, true],
      ],
    )
  })

  test('says what is wrong with the command', async () => {
    await using folder = await temporaryFolder()
    const cluster = await clusterIn(folder.path, 1)
    const of = ['--cluster', cluster]
    const wrong: Readonly<Record<string, readonly string[]>> = {
      'expected the key of one letter, or --cluster': ['dlq', 'redrive'],
      '--review: is of one letter': ['dlq', 'redrive', ...of, '--review', '-'],
      'are for a --cluster': ['dlq', 'redrive', 'a'.repeat(32), ...STARS],
      '--min-pass: is of a --canary': ['dlq', 'redrive', ...of, '--min-pass', '95%'],
      '--min-pass: expected 0% to 100%, found "2"': [
        'dlq',
        'redrive',
        ...of,
        '--canary',
        '5',
        '--min-pass',
        '2',
      ],
      '--canary: expected a number': ['dlq', 'redrive', ...of, '--canary', 'few'],
      'NOT_FOUND: no dead letter of the cluster': ['dlq', 'redrive', '--cluster', 'f'.repeat(16)],
      'expected a cluster of 16 hex digits': ['dlq', 'mute', 'some', '--reason', 'x'],
      'is not muted': ['dlq', 'unmute', cluster],
      'NOT_FOUND: there is no job x': ['jobs', 'show', 'x'],
      'Did you mean resume?': ['jobs', 'resum', 'x'],
    }
    for (const [message, args] of Object.entries(wrong)) {
      const { code, stderr } = await run(args, { cwd: folder.path })
      assert.ok(stderr.includes(message), `${args.join(' ')}: ${stderr}`)
      assert.equal(code, message.startsWith('NOT_FOUND') || message === 'is not muted' ? 1 : 2, message)
    }
  })
})

describe('a job', () => {
  test('that is told to end by its terminal is paused, and says how to go on', async () => {
    await using folder = await temporaryFolder()
    const { path } = folder
    const cluster = await clusterIn(path, 2_000)
    await using place = await openPlace(join(path, 'data'))
    await using running = start(['dlq', 'redrive', '--cluster', cluster, ...STARS], { cwd: path })
    const [, id = ''] = await running.waitFor(/the job is (\S+):/)
    await eventually(async () => ((await getJob(place.registry, id)).done > 0 ? true : undefined), 'a batch')
    const { code, stdout } = await running.stop('SIGINT')
    assert.equal(code, 130)
    assert.match(stdout, /is paused: by .*\n.*\n`headwater jobs resume \S+` goes on with it/)
    const { done } = await getJob(place.registry, id)
    const accepted = (await rows(path)).filter(({ verdict }) => verdict.status === 'accepted')
    assert.equal(accepted.length, done)
    assert.ok(accepted.every(({ verdict }) => !('unpublished' in verdict)))
  })

  test('that nobody runs is gone on with by a process that stores', async () => {
    await using folder = await temporaryFolder()
    const { path } = folder
    await writeConfig(path)
    const cluster = await clusterIn(path, 300)
    await using place = await openPlace(join(path, 'data'))
    const { registry } = place
    const params = { cluster, reason: 'they come again' }
    const openTarget = async () => assert.fail('a discard has no target')
    const parts = { ...place, openTarget, clock: Date.now, signal: new AbortController().signal }
    const { id } = await startJob({ kind: 'discard', params, by: 'test' }, parts)
    await setJobState(registry, id, 'pause', 'test')
    await setJobState(registry, id, 'resume', 'test')
    const up = (await startUp(path, 'store')).process
    await using _ = up
    await eventually(
      async () => ((await getJob(registry, id)).state === 'done' ? true : undefined),
      'its end',
    )
    assert.deepEqual(await lines(['dlq', 'list'], path), [])
    assert.equal((await up.stop()).code, 0)
  })
})
