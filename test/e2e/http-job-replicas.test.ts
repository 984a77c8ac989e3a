import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Running } from '../support/cli.ts'
import { type JobProvider, openJobProvider } from '../support/job-provider.ts'
import { eventually, rows, startUp, type Up, writeConfig } from '../support/pipeline.ts'
import type { Asked } from '../support/provider.ts'
import { temporaryFolder } from '../support/temp.ts'

/** Who asks, for commands that only read the config. */
process.env['PROCESS'] = 'none'
const TOKEN = 'token-of-sixteen-or-more'
const PRODUCTS = Array.from({ length: 24 }, (_, n) => `P${n}`)
const REVIEWS = 15

/** A config with a source of jobs from this provider, whose requests say which process makes them. */
async function writeJobs(folder: string, provider: JobProvider, preset: string, more: object): Promise<void> {
  const headers = { 'x-process': '${PROCESS}' }
  const settings = { ...(JSON.parse(provider.yaml) as object), headers, ...more }
  await writeConfig(folder, `  - ${JSON.stringify({ name: 'jobs', type: 'http-job', preset, ...settings })}`)
}

const who = ({ headers }: Asked): string => String(headers['x-process'])

/** A process that ingests, under this name. */
const ingest = (folder: string, PROCESS: string): Promise<Up> => startUp(folder, 'ingest', { PROCESS })

async function stored(folder: string, count: number): Promise<string[]> {
  return eventually(async () => {
    const found = await rows(folder)
    return found.length >= count ? found.map(({ raw = '' }) => raw) : undefined
  }, `${count} reviews`)
}

async function assertStop(processes: readonly Running[]): Promise<void> {
  for (const { code, stderr } of await Promise.all(processes.map((process) => process.stop('SIGINT'))))
    assert.equal(code, 0, stderr)
}

describe('processes that share a source of jobs', () => {
  test('pay for one job of each product and read it once, though one of them is killed', async () => {
    await using folder = await temporaryFolder()
    await using processes = new AsyncDisposableStack()
    const waiting = new Set<string>()
    const readBy = new Map<string, Set<string>>()
    let first: Running | undefined
    let killed = ''
    await using provider = await openJobProvider('brightdata', {
      products: PRODUCTS,
      reviews: REVIEWS,
      async intervene(asked) {
        const [, about, job = ''] = /\/(progress|snapshot)\/(.*)/.exec(asked.path) ?? []
        if (about === 'snapshot') readBy.set(job, (readBy.get(job) ?? new Set()).add(who(asked)))
        if (about !== 'progress' || killed !== '') return undefined
        waiting.add(who(asked))
        if (waiting.size < 3 || who(asked) !== 'first') return { body: { status: 'running' } }
        // It asks one thing at a time: there is no other job whose id it has not saved yet.
        killed = job
        await first?.kill()
        return 'hang up'
      },
    })
    await writeJobs(folder.path, provider, 'brightdata', { jobs_at_once: PRODUCTS.length })
    processes.use((await startUp(folder.path, 'store')).process)
    const ups = await Promise.all(['first', 'second', 'third'].map((name) => ingest(folder.path, name)))
    for (const { process } of ups) processes.use(process)
    first = ups[0]?.process

    const ids = PRODUCTS.flatMap((_, job) =>
      Array.from({ length: REVIEWS }, (_review, n) => `brightdata-${job + 1}-r${n + 1}`),
    )
    const raws = await stored(folder.path, ids.length)
    await assertStop(ups.slice(1).map(({ process }) => process))
    assert.deepEqual(
      raws.map((raw) => /brightdata-\d+-r\d+/.exec(raw)?.[0] ?? raw).toSorted(),
      ids.toSorted(),
    )
    assert.deepEqual(provider.begunFor.toSorted(), PRODUCTS.toSorted())
    assert.equal(readBy.get(killed)?.has('first'), false)
  })

  for (const isKilled of [false, true]) {
    const then = isKilled ? 'and who has the job is killed' : 'and who has the job is not'
    test(`read a result of which another of them was told, ${then}`, async () => {
      await using folder = await temporaryFolder()
      await using processes = new AsyncDisposableStack()
      await using provider = await openJobProvider('apify', { looks: 1_000_000, reviews: 10 })
      const progress = (JSON.parse(provider.yaml) as { progress: object }).progress
      await writeJobs(folder.path, provider, 'apify-junglee', {
        progress: { ...progress, every: '1h' },
        notify: {
          verify: { scheme: 'url-token', secrets: [TOKEN] },
          job: '/eventData/actorRunId',
          status: '/eventType',
          done: ['ACTOR.RUN.SUCCEEDED'],
        },
      })
      processes.use((await startUp(folder.path, 'store')).process)
      const ups = new Map<string, Up>()
      for (const name of ['one', 'other']) {
        const up = await ingest(folder.path, name)
        processes.use(up.process)
        ups.set(name, up)
      }
      const [begun] = await eventually(
        async () => (provider.begun.length > 0 ? provider.asked : undefined),
        'a job to begin',
      )
      const holder = begun && who(begun)
      const [told] = [...ups].filter(([name]) => name !== holder).map(([, up]) => up)
      assert.ok(holder !== undefined && told)
      const send = (job: string): Promise<Response> =>
        fetch(`${new URL(told.webhook).origin}/hooks/jobs?token=${TOKEN}`, {
          method: 'POST',
          body: JSON.stringify({ eventType: 'ACTOR.RUN.SUCCEEDED', eventData: { actorRunId: job } }),
        })
      // While its id is being saved it is to come again.
      const { status } = await eventually(async () => {
        const answer = await send('apify-1')
        return answer.status === 503 ? undefined : answer
      }, 'the notification to be taken')
      assert.equal(status, 202)
      if (isKilled) await ups.get(holder)?.process.kill()
      assert.equal((await stored(folder.path, 8)).length, 8)
      assert.equal((await send('apify-1')).status, 202)
      assert.equal((await send('of-nobody')).status, 404)
      assert.equal(provider.begun.length, 1)
      // Who takes it over looks once how it is, and hears then what the other was told.
      const looks = provider.asked.filter(({ path }) => path.endsWith('/actor-runs/apify-1')).length
      assert.ok(looks <= (isKilled ? 1 : 0), `looked ${looks} times`)
      await assertStop(
        [...ups].filter(([name]) => !isKilled || name !== holder).map(([, { process }]) => process),
      )
    })
  }
})
