import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Asked, openProvider, type Provider, type Reply, type Script } from '../../support/provider.ts'
import { createPlace, DAY, type Jobs, type Place } from './http-job-harness.ts'

const HOUR = 3_600_000

/** A provider whose jobs are named after what they are begun for, and counted: `A1`, `A2`, `B1`. */
async function openJobs(answer: (asked: Asked, job: string) => ReturnType<Script>) {
  const begun: string[] = []
  const provider = await openProvider((asked) => {
    if (asked.path !== '/jobs') return answer(asked, asked.path.split('/').at(-1) ?? '')
    const product = asked.params.get('asin') ?? ''
    begun.push(`${product}${begun.filter((job) => job.startsWith(product)).length + 1}`)
    return { body: { id: begun.at(-1) } }
  })
  return { ...provider, begun }
}

interface Asking {
  readonly products?: readonly string[]
  readonly hasProgress?: boolean
  readonly progress?: object
  readonly download?: object
  readonly more?: object
}

function settingsOf({ url }: Provider, asking: Asking = {}): object {
  const { products = ['A'], hasProgress = true, progress, download, more } = asking
  const asked = hasProgress ? { url: `${url}/progress/{job}`, status: '/status', done: ['ready'] } : {}
  return {
    trigger: { url: `${url}/jobs`, params: { asin: '{product}' }, job: '/id' },
    progress: { ...asked, ...progress },
    download: { url: `${url}/results/{job}`, ...download },
    products,
    ...more,
  }
}

const READY: Reply = { body: { status: 'ready' } }
const isProgress = ({ path }: Asked): boolean => path.startsWith('/progress/')
const timesOf = ({ asked }: Provider, path: string): number => asked.filter((one) => one.path === path).length

/** Acknowledges what comes until this has come. */
async function readUntil(jobs: Jobs, text: string): Promise<void> {
  while (true) {
    const [texts = []] = await jobs.take(1)
    if (texts.includes(text)) return
  }
}

const failuresAt = ({ log }: Place): string[] =>
  log
    .filter(({ level, fields }) => level === 'error' && 'code' in fields && fields.code === 'JOB_FAILED')
    .map(({ message }) => message)

describe('a result of lines', () => {
  test('ends with a page that has none, though it is an empty body', async () => {
    await using provider = await openJobs((asked) =>
      isProgress(asked) ? READY : { body: asked.params.get('offset') === '0' ? '{"n":1}\n{"n":2}\n' : '' },
    )
    const place = createPlace()
    const download = { paging: { kind: 'offset', param: 'offset', size: 2 } }
    await using jobs = await place.open(settingsOf(provider, { download }))
    assert.deepEqual(await jobs.readResult(), ['{"n":1}', '{"n":2}'])
    assert.deepEqual(place.troubles, [])
  })

  test('may have none where the provider said that the job is done', async () => {
    await using provider = await openJobs((asked) => (isProgress(asked) ? READY : { body: '' }))
    const place = createPlace()
    await using jobs = await place.open(settingsOf(provider))
    assert.deepEqual(await jobs.readResult(), [])
    assert.deepEqual(place.troubles, [])
  })
})

describe('a result that is given up after five attempts', () => {
  const bodies: readonly (readonly [string, string, boolean])[] = [
    ['CSV', 'id,text\n1,a\n', true],
    ['a page for people', '<html>Not here</html>', true],
    ['an empty body though nobody said that the job is done', '', false],
  ]
  for (const [what, body, hasProgress] of bodies) {
    test(`is ${what}, and nothing more is paid before \`every\` has passed`, async () => {
      await using provider = await openJobs((asked, job) =>
        isProgress(asked) ? READY : { body: job === 'A1' ? body : [job] },
      )
      const place = createPlace()
      const start = place.now
      await using jobs = await place.open(settingsOf(provider, { hasProgress }))
      await readUntil(jobs, '"A2"')
      assert.ok(place.now - start >= DAY, `after ${place.now - start} ms`)
      assert.equal(timesOf(provider, '/results/A1'), 5)
      const [why = ''] = failuresAt(place)
      assert.match(why, /^no way to the result of job A1 after 5 attempts: expected JSON, found/)
    })
  }

  test('is behind a link to another host that has expired', async () => {
    const expired = { status: 403, body: { Code: 'AccessDenied', Message: 'Request has expired' } }
    await using files = await openProvider(({ path }) => (path === '/A1' ? expired : { body: [path] }))
    await using provider = await openJobs((asked, job) =>
      isProgress(asked) ? READY : { body: { files: [`${files.url}/${job}`] } },
    )
    const place = createPlace()
    const start = place.now
    const download = { links: '/files', hosts: [new URL(files.url).host] }
    await using jobs = await place.open(settingsOf(provider, { download }))
    await readUntil(jobs, '"/A2"')
    assert.ok(place.now - start < DAY, `after ${place.now - start} ms`)
    assert.equal(timesOf(files, '/A1'), 5)
    assert.match(failuresAt(place)[0] ?? '', /A1 after 5 attempts: .*403.*: the link may have expired/)
  })
})

describe('a job past its deadline', () => {
  const overdue = { products: ['A', 'B'], progress: { deadlineMs: '6h' }, more: { everyMs: '1h' } }

  const troubles: readonly (readonly [string, Reply])[] = [
    ['a 500', { status: 500, body: {} }],
    ['a 403', { status: 403, body: {} }],
    ['no JSON', { body: '<html>Not here</html>' }],
  ]
  for (const [what, reply] of troubles) {
    test(`of which nothing is told but ${what} is given up where other jobs are told of`, async () => {
      await using provider = await openJobs((asked, job) => {
        if (!isProgress(asked)) return { body: [job] }
        return job === 'A1' ? reply : READY
      })
      const place = createPlace()
      const start = place.now
      await using jobs = await place.open(settingsOf(provider, overdue))
      await readUntil(jobs, '"A2"')
      assert.ok(place.now - start >= 6 * HOUR, `after ${place.now - start} ms`)
      const [why = ''] = failuresAt(place)
      assert.match(why, /^expected a result of job A1 within 6 h, found trouble that no other job has: /)
    })
  }

  test('whose result is a 500 is given up where the results of others are had', async () => {
    await using provider = await openJobs((asked, job) => {
      if (isProgress(asked)) return READY
      return job === 'A1' ? { status: 500, body: {} } : { body: [job] }
    })
    await using jobs = await createPlace().open(settingsOf(provider, overdue))
    await readUntil(jobs, '"A2"')
  })

  for (const [what, isAway] of [
    ['of everything', () => true],
    ['of all results, though another job is told of', (asked: Asked) => !isProgress(asked)],
  ] as const) {
    test(`is kept through an outage ${what}, and read when that is over`, async () => {
      const place = createPlace()
      const over = place.now + DAY
      await using provider = await openJobs((asked, job) => {
        const isOver = place.now >= over
        if (!isOver && isAway(asked)) return { status: 503, body: {} }
        if (!isProgress(asked)) return { body: [job] }
        return job.startsWith('C') && !isOver ? { body: { status: 'running' } } : READY
      })
      const progress = { deadlineMs: '6h', everyMs: '10m' }
      await using jobs = await place.open(settingsOf(provider, { products: ['A', 'B', 'C'], progress }))
      const texts = (await jobs.take(3)).flat()
      assert.ok(texts.includes('"A1"') && texts.includes('"B1"'), texts.join())
      assert.ok(place.now >= over)
      assert.doesNotMatch(failuresAt(place).join(), /[AB]1/)
    })
  }
})
