import assert from 'node:assert/strict'
import { glob, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Running, run, start } from '../support/cli.ts'
import { type JobProvider, openJobProvider, PART } from '../support/job-provider.ts'
import { eventually, rows, startUp, writeConfig } from '../support/pipeline.ts'
import type { Asked } from '../support/provider.ts'
import { temporaryFolder } from '../support/temp.ts'

const REVIEWS = 75
const TOKEN = 'token-of-sixteen-or-more'

/** A config of `up` with a source of jobs from this provider. */
async function writeJobs(
  folder: string,
  { yaml }: JobProvider,
  preset: string,
  more = '',
  port = 0,
): Promise<void> {
  const settings = yaml.replace(/\}$/, more === '' ? '}' : `,${more}}`)
  await writeConfig(
    folder,
    `  - {"name":"jobs","type":"http-job","preset":"${preset}",${settings.slice(1)}`,
    port,
  )
}

async function stored(folder: string, count: number): Promise<string[]> {
  return eventually(async () => {
    const found = await rows(folder)
    return found.length >= count ? found.map(({ raw }) => raw ?? '') : undefined
  }, `${count} reviews`)
}

async function assertStops(up: Running): Promise<void> {
  const { code, stderr } = await up.stop('SIGINT')
  assert.equal(code, 0, stderr)
}

/** Each review of these jobs is there once, whatever was asked how often. */
function assertEach(raws: readonly string[], ids: ReadonlySet<string>): void {
  const found = raws.map((raw) => /[\w-]+-\d+-r\d+/.exec(raw)?.[0] ?? raw)
  assert.equal(found.length, ids.size)
  assert.deepEqual(new Set(found), ids)
}

const idsOf = (job: string, count: number): Set<string> =>
  new Set(Array.from({ length: count }, (_, n) => `${job}-r${n + 1}`))

describe('up with a source of jobs', () => {
  for (const { shape, preset, isKept } of [
    { shape: 'brightdata', preset: 'brightdata', isKept: () => true },
    { shape: 'apify', preset: 'apify-junglee', isKept: (id: string) => Number(/\d+$/.exec(id)) % 4 !== 0 },
  ] as const) {
    test(`stores the result of a job of ${shape}, and shows the key to nobody`, async () => {
      await using folder = await temporaryFolder()
      await using provider = await openJobProvider(shape, { looks: 2, reviews: REVIEWS })
      await writeJobs(folder.path, provider, preset)
      const { process } = await startUp(folder.path)
      await using _ = process
      const ids = new Set([...idsOf(`${shape}-1`, REVIEWS)].filter(isKept))
      assertEach(await stored(folder.path, ids.size), ids)
      await assertStops(process)
      assert.equal(provider.begun.length, 1)
      const { stdout, stderr } = await process.exited
      assert.ok(!(stdout + stderr).includes('key-that-nobody-may-see'))
      for await (const file of glob('data/**', { cwd: folder.path, withFileTypes: true })) {
        if (!file.isFile()) continue
        const bytes = await readFile(join(file.parentPath, file.name))
        assert.ok(!bytes.includes('key-that-nobody-may-see'), file.name)
      }
    })
  }

  test('that is killed in each state pays for one job, and loses and repeats nothing', async () => {
    await using folder = await temporaryFolder()
    let up: Running | undefined
    const killsAt = new Set(['progress', 'part 1', 'part 3', 'part 7', 'part 8'])
    function whatFor({ path, params }: Asked): string {
      return path.includes('/progress/') ? 'progress' : `part ${params.get('part')}`
    }
    await using provider = await openJobProvider('brightdata', {
      looks: 2,
      reviews: REVIEWS,
      intervene(asked) {
        // Anywhere between the answer and its acknowledgement: at a moment that differs from kill to kill.
        if (killsAt.delete(whatFor(asked))) setTimeout(() => void up?.kill(), Math.random() * 15)
        return undefined
      },
    })
    await writeJobs(folder.path, provider, 'brightdata')
    while (killsAt.size > 0) {
      up = start(['up', '--json'], { cwd: folder.path })
      await up.exited
    }
    const { process } = await startUp(folder.path)
    await using _ = process
    const raws = await stored(folder.path, REVIEWS)
    await assertStops(process)
    assertEach(raws, idsOf('brightdata-1', REVIEWS))
    assert.equal(provider.begun.length, 1)
    const parts = provider.asked.filter(({ path }) => path.includes('/snapshot/')).length
    assert.ok(parts <= REVIEWS / PART + 2 + 5, `asked for ${parts} parts`)
  })

  test('that is killed before it knows the id of its job tells of it, and begins one more', async () => {
    await using folder = await temporaryFolder()
    const asked = Promise.withResolvers<void>()
    let isHeld = true
    await using provider = await openJobProvider('brightdata', {
      reviews: 10,
      intervene({ path }) {
        if (!isHeld || !path.endsWith('/trigger')) return undefined
        asked.resolve()
        return new Promise(() => {})
      },
    })
    await writeJobs(folder.path, provider, 'brightdata')
    {
      const { process } = await startUp(folder.path)
      await using _ = process
      await asked.promise
      await process.kill()
    }
    isHeld = false
    const { process } = await startUp(folder.path)
    await using _ = process
    await process.waitFor(/JOB_FAILED.*a job may have begun before a restart/)
    assertEach(await stored(folder.path, 10), idsOf('brightdata-1', 10))
    await assertStops(process)
    assert.equal(provider.asked.filter(({ path }) => path.endsWith('/trigger')).length, 2)
  })

  test('that is told by the provider reads the result, though it is killed as soon as it has answered', async () => {
    await using folder = await temporaryFolder()
    await using provider = await openJobProvider('apify', { looks: 1_000_000, reviews: 10 })
    const notify = JSON.stringify({
      verify: { scheme: 'url-token', secrets: [TOKEN] },
      job: '/eventData/actorRunId',
      status: '/eventType',
      done: ['ACTOR.RUN.SUCCEEDED'],
    })
    await writeJobs(folder.path, provider, 'apify-junglee', `"notify":${notify}`)
    {
      const { process, webhook } = await startUp(folder.path)
      await using _ = process
      await eventually(async () => (provider.asked.length > 1 ? true : undefined), 'the job to be waited for')
      const url = `${new URL(webhook).origin}/hooks/jobs?token=${TOKEN}`
      const body = JSON.stringify({ eventType: 'ACTOR.RUN.SUCCEEDED', eventData: { actorRunId: 'apify-1' } })
      assert.equal((await fetch(url, { method: 'POST', body })).status, 202)
      await process.kill()
    }
    const looked = provider.asked.filter(({ path }) => path.endsWith('/actor-runs/apify-1')).length
    const { process } = await startUp(folder.path)
    await using _ = process
    assert.equal((await stored(folder.path, 8)).length, 8)
    await assertStops(process)
    assert.equal(provider.asked.filter(({ path }) => path.endsWith('/actor-runs/apify-1')).length, looked)
    assert.equal(provider.begun.length, 1)
  })
})

describe('the page of the job source', () => {
  test('has examples of Bright Data, Apify, DataForSEO and Rainforest, and each is right', async () => {
    const page = await readFile(join(import.meta.dirname, '../../docs/adapters/http-job.md'), 'utf8')
    const configs = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text)
    const names = configs.flatMap((text) =>
      [...text.matchAll(/^ {2}- name: (\S+)/gm)].map(([, name]) => name),
    )
    assert.deepEqual(names, ['brightdata', 'apify', 'dataforseo', 'rainforest-collections'])
    await using folder = await temporaryFolder()
    const secrets = [...page.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => [name, TOKEN])
    for (const config of configs) {
      await writeFile(join(folder.path, 'headwater.yaml'), config)
      const env = Object.fromEntries(secrets) as Record<string, string>
      const { code, stderr } = await run(['config', 'check'], { cwd: folder.path, env })
      assert.equal(code, 0, stderr)
    }
  })
})
