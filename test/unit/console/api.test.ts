import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { thisProcess } from '../../../src/lib/processes.ts'
import { createJob, updateJob } from '../../../src/services/job.ts'
import { getJob } from '../../../src/services/jobs.ts'
import { run } from '../../support/cli.ts'
import { type AskOptions, type Operators, openOperators } from '../../support/operators.ts'
import { eventually } from '../../support/pipeline.ts'
import { openProvider, type Provider } from '../../support/provider.ts'
import { FIVE, review } from '../../support/reviews.ts'
import { openPlace } from '../../support/services.ts'
import { type TemporaryFolder, temporaryFolder } from '../../support/temp.ts'

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}
interface Operation {
  readonly operationId: string
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { schema: object }>> }>
  >
}
interface Summary {
  readonly key: string
  readonly status: string
  readonly reviewId?: string
  readonly product?: string
  readonly text: string
}
interface List {
  readonly records: readonly Summary[]
  readonly after?: string
  readonly looked: number
  readonly isComplete: boolean
}
interface Cluster {
  readonly cluster: string
  readonly count: number
  readonly code: string
  readonly shape?: string
  readonly source: string
  readonly pointer: string
  readonly keyword: string
}
interface Job {
  readonly id: string
  readonly state: string
  readonly done: number
  readonly passed: number
  readonly failed: number
}

const ajv = new Ajv2020({ strict: false, allErrors: true })
formats.default(ajv)

let folder: TemporaryFolder
let provider: Provider
let operators: Operators
let document: Document
const used = new Set<string>()

before(async () => {
  folder = await temporaryFolder()
  provider = await openProvider(() => ({ body: '[]', headers: { 'content-type': 'application/json' } }))
  const polled = `  - { name: polled, type: http-poll, url: "${provider.url}", every: 1h, lease: 1s }`
  operators = await openOperators(folder.path, { sources: polled })
  document = await operators.ask<Document>('/api')
})
after(async () => {
  await operators[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

/** Asks, and sees to it that the answer is as the document says. */
async function ask<T>(path: string, options: AskOptions = {}): Promise<T> {
  const answer = await operators.ask<T>(path, options)
  const [asked = ''] = path.split('?')
  const known = Object.entries(document.paths).find(([each, methods]) => {
    const pattern = new RegExp(`^${each.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
    return pattern.test(asked) && (options.method ?? 'GET').toLowerCase() in methods
  })
  assert.ok(known, `${path} is in the document`)
  const operation = known[1][(options.method ?? 'GET').toLowerCase()]
  assert.ok(operation)
  used.add(operation.operationId)
  const schema = operation.responses['200']?.content?.['application/json']?.schema
  if (schema)
    assert.ok(ajv.validate(schema, answer), `${path}: ${ajv.errorsText()}\n${JSON.stringify(answer)}`)
  else assert.equal(answer, undefined)
  return answer
}

const jobDone = (id: string): Promise<Job> =>
  eventually(async () => {
    const job = await ask<Job>(`/api/jobs/${id}`)
    return ['done', 'stopped', 'failed'].includes(job.state) ? job : undefined
  }, 'the job to end')

describe('the API', () => {
  test('tells who asks, and that no token is needed on loopback', async () => {
    const session = await ask<{ role: string; needsToken: boolean }>('/api/session')
    assert.deepEqual([session.role, session.needsToken], ['operator', false])
    await ask('/api/session', { method: 'POST', body: { token: 'any' } })
    await ask('/api/session', { method: 'DELETE' })
  })

  test('tells how it goes now: what came in, what is stored, what waits', async () => {
    await operators.bring(FIVE)
    const now = await ask<{ sources: { name: string; received: number; stored: number }[]; ready: object }>(
      '/api/now',
    )
    const hook = now.sources.find(({ name }) => name === 'hook')
    assert.deepEqual([hook?.received, hook?.stored], [5, 3])
    assert.deepEqual(now.ready, { ok: true, problems: [] })
  })

  test('lists reviews and dead letters, newest first, by status, product, id, source and time', async () => {
    const all = await ask<List>('/api/reviews')
    assert.equal(all.records.length, 5)
    const ids = async (query: string): Promise<(string | undefined)[]> =>
      (await ask<List>(`/api/reviews?${query}`)).records
        .map(({ reviewId }) => reviewId)
        .toSorted((a = '', b = '') => (a < b ? -1 : 1))
    assert.deepEqual(await ids('status=accepted'), ['R1', 'R2', 'R3'])
    assert.deepEqual(await ids('product=B00456'), ['R2'])
    assert.deepEqual(await ids('review=R3'), ['R3'])
    assert.deepEqual(await ids('review=R3&source=hook'), ['R3'])
    assert.deepEqual(await ids('source=nobody'), [])
    assert.deepEqual(await ids('to=1d'), [])
    assert.equal((await ids('from=1h&status=rejected')).length, 2)
  })

  test('goes on where a page ended, without a gap and without a repeat', async () => {
    const keys: string[] = []
    let page = await ask<List>('/api/reviews?limit=2')
    for (;;) {
      keys.push(...page.records.map(({ key }) => key))
      if (page.after === undefined) break
      page = await ask<List>(`/api/reviews?limit=2&after=${page.after}`)
    }
    assert.ok(page.isComplete)
    assert.equal(keys.length, 5)
    assert.equal(new Set(keys).size, 5)
  })

  test('shows the passport of a review with its versions, and the exact bytes', async () => {
    const raw = review('R1', {
      product_id: 'B00123',
      user_id: 'U1',
      review_text: 'Broke after a week.',
      rating: 1,
    })
    await operators.bring([raw])
    const { records } = await ask<List>('/api/reviews?review=R1')
    const [newest, oldest] = records
    assert.ok(newest && oldest)
    const passport = await ask<{
      versions: {
        key: string
        current: boolean
        changed: { field: string; before: unknown; after: unknown }[]
      }[]
      settled: string
      raw: string
      event: { id: string; topic: string }
      storedAt: string
      timings: { receivedAt: string; storedAt: string; storedAfterMs: number; writtenAt: string }
    }>(`/api/reviews/${newest.key}`)
    assert.equal(passport.raw, raw)
    assert.equal(passport.settled, 'stored')
    assert.deepEqual(passport.event, { id: newest.key, topic: 'raw-reviews' })
    const { receivedAt, storedAt, storedAfterMs } = passport.timings
    assert.equal(storedAt, passport.storedAt)
    assert.equal(Date.parse(receivedAt) + storedAfterMs, Date.parse(storedAt))
    assert.deepEqual(
      passport.versions.map(({ key, current }) => [key, current]),
      [
        [oldest.key, false],
        [newest.key, true],
      ],
    )
    assert.deepEqual(
      passport.versions[1]?.changed.toSorted((a, b) => (a.field < b.field ? -1 : 1)),
      [
        { field: 'rating', before: 5, after: 1 },
        { field: 'review_text', before: 'Great product, highly recommend!', after: 'Broke after a week.' },
      ],
    )
    const bytes = await operators.fetch(`/api/reviews/${newest.key}/raw`)
    assert.equal(await bytes.text(), raw)
    assert.match(bytes.headers.get('content-disposition') ?? '', /^attachment/)
    used.add('getApiReviewsKeyRaw')
  })

  test('mends a cluster: suggests, previews, redrives with a canary, and keeps the repair', async () => {
    const letters = Array.from({ length: 30 }, (_, n) => review(`S${n}`, { rating: '4.0 out of 5 stars' }))
    await operators.bring(letters)
    const clusters = await eventually(async () => {
      const found = await ask<readonly Cluster[]>('/api/clusters')
      return found[0]?.count === 30 ? found : undefined
    }, 'the letters to be counted')
    const [stars] = clusters
    assert.ok(stars)
    assert.equal(stars.shape, '"9.9 a a 9 a"')
    const details = await ask<{
      suggestions: { steps: object[]; passes: number; of: number }[]
      samples: object[]
    }>(`/api/clusters/${stars.cluster}`)
    assert.equal(details.samples.length, 5)
    const [best] = details.suggestions
    assert.ok(best)
    assert.equal(best.passes, best.of)
    const { steps } = best
    const preview = await ask<{ pass: number; fail: number }>(`/api/clusters/${stars.cluster}/preview`, {
      method: 'POST',
      body: { steps },
    })
    assert.deepEqual([preview.pass, preview.fail], [30, 0])
    const first = await ask<{ looked: number; isMore: boolean }>(`/api/clusters/${stars.cluster}/preview`, {
      method: 'POST',
      body: { steps, most: 10 },
    })
    assert.deepEqual([first.looked, first.isMore], [10, true])
    const begun = await ask<Job>(`/api/clusters/${stars.cluster}/redrive`, {
      method: 'POST',
      body: { steps, canary: { count: 5, minShare: 1 } },
    })
    const done = await jobDone(begun.id)
    assert.deepEqual([done.state, done.passed, done.failed], ['done', 30, 0])
    assert.ok((await ask<readonly Job[]>('/api/jobs')).some(({ id }) => id === begun.id))

    const { source, pointer, keyword } = stars
    const kept = await ask<{ id: string }>('/api/repairs', {
      method: 'POST',
      body: { source, mends: { pointer, keyword }, steps },
    })
    assert.equal((await ask<readonly object[]>('/api/repairs?source=hook')).length, 1)
    await ask(`/api/repairs/hook/${kept.id}`, { method: 'DELETE' })
    assert.deepEqual(await ask('/api/repairs'), [])
  })

  test('mutes a fault, which is then shown to who asks for it, and discards its letters', async () => {
    const clusterOf = async (query = ''): Promise<Cluster | undefined> =>
      (await ask<readonly Cluster[]>(`/api/clusters${query}`)).find(
        ({ code }) => code === 'missing_product_id',
      )
    const missing = await clusterOf()
    assert.ok(missing)
    const path = `/api/clusters/${missing.cluster}`
    await ask(`${path}/mute`, { method: 'POST', body: { reason: 'known' } })
    assert.equal(await clusterOf(), undefined)
    assert.ok(await clusterOf('?muted=true'))
    await ask(`${path}/unmute`, { method: 'POST' })
    const job = await ask<Job>(`${path}/discard`, { method: 'POST', body: { reason: 'a test' } })
    assert.equal((await jobDone(job.id)).passed, 1)
    await eventually(
      async () => ((await clusterOf('?muted=true')) === undefined ? true : undefined),
      'it to be gone',
    )
    assert.equal((await ask<List>('/api/reviews?status=discarded')).records.length, 1)
  })

  test('mends one letter by hand, and discards one', async () => {
    await operators.bring([review('H1', { rating: 9 }), review('H2', { rating: 8 })])
    const { records } = await ask<List>('/api/reviews?status=rejected')
    const [one, other] = records
    assert.ok(one && other)
    const { review_id: id } = JSON.parse(one.text) as { review_id: string }
    const mended = JSON.parse(review(id, { rating: 5 })) as object
    const redriven = await ask<{ status: string }>(`/api/records/${one.key}/redrive`, {
      method: 'POST',
      body: { review: mended },
    })
    assert.equal(redriven.status, 'published')
    await ask(`/api/records/${other.key}/discard`, { method: 'POST', body: { reason: 'never' } })
    const { versions } = await ask<{ versions: { status: string }[] }>(`/api/reviews/${other.key}`)
    assert.deepEqual(
      versions.map(({ status }) => status),
      ['discarded'],
    )
    const again = await operators.fetch(`/api/records/${one.key}/discard`, {
      method: 'POST',
      body: { reason: 'x' },
    })
    assert.equal(again.status, 400, 'an accepted review is no dead letter')
  })

  test('replays into a topic of its own, after a dry run that publishes nothing', async () => {
    const dry = await ask<Job>('/api/replays', { method: 'POST', body: { dryRun: true, from: '1h' } })
    const counted = await jobDone(dry.id)
    assert.equal(counted.state, 'done')
    const real = await ask<Job>('/api/replays', { method: 'POST', body: { toTopic: 'again', from: '1h' } })
    const done = await jobDone(real.id)
    assert.deepEqual([done.state, done.passed, done.done], ['done', counted.passed, counted.done])
    const refused = await operators.fetch('/api/replays', { method: 'POST', body: { from: '1h' } })
    assert.equal(refused.status, 400, 'nothing reaches everyone by accident')
    const ended = await operators.fetch(`/api/jobs/${real.id}/pause`, { method: 'POST' })
    assert.equal(ended.status, 409)
    for (const id of ['postApiJobsIdPause', 'postApiJobsIdResume', 'postApiJobsIdStop']) used.add(id)
  })

  test('begins no fifth replay while four are under way', async () => {
    await using place = await openPlace(join(folder.path, 'data'))
    const owner = { ...thisProcess(), host: 'here', token: 'test' }
    const { id, ...facts } = await getJob(
      place.registry,
      (await ask<readonly Job[]>('/api/jobs'))[0]?.id ?? '',
    )
    const ids = [1, 2, 3, 4].map((n) => `${id}-${n}`)
    for (const each of ids) await createJob(place.registry, { ...facts, id: each, state: 'running', owner })
    const asking = { method: 'POST', body: { dryRun: true } }
    const refused = await operators.fetch('/api/replays', asking)
    assert.equal(refused.status, 409)
    assert.match(await refused.text(), /4 replays are under way/)
    for (const each of ids) await updateJob(place.registry, each, (job) => ({ ...job, state: 'stopped' }))
    await jobDone((await ask<Job>('/api/replays', asking)).id)
  })

  test('pauses a webhook, which then asks its senders to come again, and resumes it', async () => {
    const pause = { method: 'POST', body: { reason: 'a test' } }
    const paused = await ask<{ paused: boolean }>('/api/sources/hook/pause', pause)
    assert.equal(paused.paused, true)
    const http = operators.pipeline.addresses.http ?? ''
    const post = (): Promise<Response> =>
      fetch(`${http}/hooks/hook`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: review('P1'),
      })
    const refused = await post()
    assert.equal(refused.status, 503)
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    const poll = await operators.fetch('/api/sources/hook/poll', { method: 'POST' })
    assert.equal(poll.status, 400, 'a webhook is not polled')
    await ask('/api/sources/hook/resume', { method: 'POST' })
    assert.equal((await post()).status, 202)
    const [hook] = await ask<readonly { name: string; paused: boolean }[]>('/api/sources')
    assert.deepEqual([hook?.name, hook?.paused], ['hook', false])
    used.add('postApiSourcesNamePoll')
  })

  test('tells when a source is polled next, and that it is not while it is paused', async () => {
    type Sources = readonly { nextPoll?: { state: string; at?: string } }[]
    const nextPolls = async () => (await ask<Sources>('/api/sources')).map(({ nextPoll }) => nextPoll)
    const [ofHook, ofPolled] = await eventually(async () => {
      const found = await nextPolls()
      return found[1]?.state === 'planned' ? found : undefined
    }, 'the next poll to be planned')
    assert.equal(ofHook, undefined, 'a webhook is not polled')
    const asked = provider.asked[0] ?? assert.fail('it was polled')
    assert.ok(Math.abs(Date.parse(ofPolled?.at ?? '') - asked.at - 3_600_000) < 10_000, ofPolled?.at)
    const paused = await ask<Sources[number]>('/api/sources/polled/pause', { method: 'POST' })
    assert.deepEqual(paused.nextPoll, { state: 'paused' })
    await ask('/api/sources/polled/resume', { method: 'POST' })
  })

  test('has the config without secrets, and the promises', async () => {
    const settings = await ask<{ config: object; guarantees: { number: number; tests: string[] }[] }>(
      '/api/settings',
    )
    assert.ok('sources' in settings.config)
    assert.equal(settings.guarantees.length, 10)
    assert.ok(settings.guarantees.every(({ tests }) => tests.length > 0))
  })

  test('tells what the last audit has found', async () => {
    interface Told {
      readonly proof?: { readonly at: string; readonly ok: boolean; readonly records: number }
    }
    assert.equal((await ask<Told>('/api/settings')).proof, undefined)
    const audit = await run(['audit', '--json', '--data', join(folder.path, 'data')], { cwd: folder.path })
    const { records } = JSON.parse(audit.stdout) as { records: number }
    const { proof } = await ask<Told>('/api/settings')
    assert.deepEqual([proof?.ok, proof?.records], [true, records])
    assert.ok(records >= FIVE.length && Date.parse(proof?.at ?? '') <= Date.now())
  })

  test('notes every change with who did it', async () => {
    const { changes } = await ask<{ changes: { what: string; who: string }[] }>('/api/changes')
    const what = new Set(changes.map((each) => each.what))
    const expected = [
      'redrive',
      'discard',
      'mute',
      'unmute',
      'keep repair',
      'drop repair',
      'replay',
      'pause source',
    ]
    for (const each of [...expected, 'resume source']) assert.ok(what.has(each), each)
    assert.ok(changes.every(({ who }) => who !== ''))
  })

  test('tells pages that listen how it goes, again and again', async () => {
    const response = await operators.fetch('/api/live')
    assert.equal(response.headers.get('content-type'), 'text/event-stream')
    let text = ''
    assert.ok(response.body)
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk
      if (text.split('event: now').length > 2) break
    }
    const [, data = ''] = /^data: (.*)$/m.exec(text) ?? []
    const schema =
      document.paths['/api/now']?.['get']?.responses['200']?.content?.['application/json']?.schema
    assert.ok(schema && ajv.validate(schema, JSON.parse(data)), ajv.errorsText())
    used.add('getApiLive')
  })

  test('says what it knows nothing of, and what was asked for badly', async () => {
    const statusOf = async (path: string): Promise<[number, string]> => {
      const response = await operators.fetch(path)
      return [response.status, ((await response.json()) as { code: string }).code]
    }
    assert.deepEqual(await statusOf(`/api/reviews/${'0'.repeat(32)}`), [404, 'NOT_FOUND'])
    assert.deepEqual(await statusOf('/api/reviews/R1'), [400, 'REQUEST_INVALID'])
    assert.deepEqual(await statusOf('/api/reviews?limit=0'), [400, 'REQUEST_INVALID'])
    assert.deepEqual(await statusOf('/api/reviews?colour=red'), [400, 'REQUEST_INVALID'])
    assert.deepEqual(await statusOf('/api/reviews?from=never'), [400, 'USAGE'])
    assert.deepEqual(await statusOf('/api/reviews?after=x'), [400, 'POSITION_UNKNOWN'])
    assert.deepEqual(await statusOf(`/api/clusters/${'0'.repeat(16)}`), [404, 'NOT_FOUND'])
  })

  test('tells what is wrong with a step of a repair', async () => {
    const steps = [{ set: 'rating' }, { paint: 'red' }]
    const mends = { pointer: '/rating', keyword: 'type' }
    const options = { method: 'POST', body: { source: 'hook', mends, steps } }
    const { error } = (await (await operators.fetch('/api/repairs', options)).json()) as { error: string }
    assert.match(error, /body\.steps\.0: .*\bto\b/s)
    assert.match(error, /body\.steps\.1: .*expected one of set, default, copy/)
  })

  test('describes every route, and each of them was tried', async () => {
    assert.equal(document.openapi, '3.1.0')
    await ask('/api')
    const all = Object.values(document.paths).flatMap((methods) => Object.values(methods))
    const tried = new Set([...used].map((id) => id.toLowerCase()))
    const untried = all.map(({ operationId }) => operationId).filter((id) => !tried.has(id.toLowerCase()))
    assert.deepEqual(untried, [])
    for (const [path, methods] of Object.entries(document.paths)) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      for (const { parameters } of Object.values(methods)) {
        const described = parameters.filter((each) => each.in === 'path').map(({ name }) => name)
        assert.deepEqual(described, names, path)
      }
    }
  })
})
