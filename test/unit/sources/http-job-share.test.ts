import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { claimEntry } from '../../../src/sources/checkpoint.ts'
import { state } from '../../../src/sources/http-job/state.ts'
import { openBook } from '../../../src/sources/leases/book.ts'
import { openJobProvider } from '../../support/job-provider.ts'
import { eventually } from '../../support/pipeline.ts'
import { openProvider } from '../../support/provider.ts'
import { createPlace, type Jobs, type Place, splitOf, textsOf } from './http-job-harness.ts'

const TOKEN = 'token-of-sixteen-or-more'
const PRODUCTS = Array.from({ length: 12 }, (_, n) => `P${n}`)
const REVIEWS = 5
const AGES = '3650d'

/** A provider whose jobs are under way until it is told otherwise, and who asked about which since it was last cleared. */
async function openPatientProvider() {
  const looks: { readonly process: string; readonly job: string }[] = []
  let isReady = false
  const provider = await openJobProvider('brightdata', {
    products: PRODUCTS,
    reviews: REVIEWS,
    async intervene({ path, headers }) {
      if (!path.includes('/progress/') || isReady) return undefined
      for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate)
      looks.push({ process: String(headers['x-process']), job: path })
      return { body: { status: 'running' } }
    },
  })
  const { progress } = provider.settings as { progress: object }
  // The clock races while a process has nothing to do.
  const settings = { ...provider.settings, everyMs: AGES, progress: { ...progress, deadlineMs: AGES } }
  return { ...provider, settings, looks, finish: () => void (isReady = true) }
}

/** Acknowledges what comes, and keeps its texts, until the source is disposed of. */
async function readOn(jobs: Jobs, texts: string[]): Promise<void> {
  while (true) {
    const batch = await jobs.next().catch(() => undefined)
    if (batch === undefined) return
    await batch.ack()
    texts.push(...textsOf(batch))
  }
}

const until = (isSo: () => boolean, what: string): Promise<true> =>
  eventually(async () => isSo() || undefined, what, 20_000)

/** Resolves once two processes have leases. */
const bothHaveTheirs = ({ registry }: Place): Promise<true> =>
  eventually(async () => {
    const { table } = await openBook(registry, 'shop').table()
    return new Set(Array.from(table.slots.values(), ({ owner }) => owner)).size === 2 || undefined
  }, 'both to have leases')

const troublesOf = ({ log }: Place): object[] =>
  log.filter(({ level }) => level === 'warn' || level === 'error')

describe('two processes with one source of jobs', () => {
  test('each look after their own, and who stays goes on with the jobs of who stopped', async () => {
    await using provider = await openPatientProvider()
    const place = createPlace(await splitOf('brightdata'))
    const open = (process: string): Promise<Jobs> =>
      place.open({
        ...provider.settings,
        headers: { 'x-process': process },
        jobsAtOnce: 2 * PRODUCTS.length,
        leaseMs: '1s',
      })
    /** Resolves once each job is looked at by one of these, all of which have some. */
    const sharedBy = (...processes: string[]): Promise<true> =>
      eventually(
        async () => {
          provider.looks.length = 0
          await until(() => provider.looks.length >= 10 * PRODUCTS.length, 'all jobs to be looked at')
          const pairs = new Set(provider.looks.map(({ process, job }) => `${process} ${job}`))
          const isByAll = processes.every((one) => provider.looks.some(({ process }) => process === one))
          return (pairs.size === PRODUCTS.length && isByAll) || undefined
        },
        `${processes.join(' and ')} to share all jobs`,
        20_000,
      )

    const texts: string[] = []
    await using one = await open('one')
    const reading = [readOn(one, texts)]
    await sharedBy('one')
    await using other = await open('other')
    reading.push(readOn(other, texts))
    await sharedBy('one', 'other')
    await one[Symbol.asyncDispose]()
    await sharedBy('other')
    provider.finish()
    await until(() => texts.length >= PRODUCTS.length * REVIEWS, 'all results to be read')
    await other[Symbol.asyncDispose]()
    await Promise.all(reading)
    assert.equal(new Set(texts).size, PRODUCTS.length * REVIEWS)
    assert.equal(texts.length, PRODUCTS.length * REVIEWS)
    assert.deepEqual(provider.begunFor.toSorted(), PRODUCTS.toSorted())
    assert.deepEqual(troublesOf(place), [])
  })

  test('have no more jobs under way together than one may have', async () => {
    await using provider = await openPatientProvider()
    const place = createPlace()
    const open = (): Promise<Jobs> => place.open({ ...provider.settings, jobsAtOnce: 2, leaseMs: '1s' })
    await using one = await open()
    await using other = await open()
    await bothHaveTheirs(place)
    const reading = [readOn(one, []), readOn(other, [])]
    await until(() => provider.looks.length >= 100, 'jobs to be looked at')
    assert.ok(provider.begun.length >= 1 && provider.begun.length <= 2, `${provider.begun.length} jobs`)
    await one[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
    await Promise.all(reading)
  })

  test('read the provider’s own jobs once each, though one of them was told of all', async () => {
    await using files = await openProvider(({ path }) => ({ body: [path] }))
    const place = createPlace()
    const open = (): Promise<Jobs> =>
      place.open({
        download: { links: '/files', hosts: [new URL(files.url).host] },
        notify: { job: '/id', acceptUnknown: true, verify: { scheme: 'url-token', secrets: [TOKEN] } },
        leaseMs: '1s',
      })
    await using one = await open()
    await using other = await open()
    const [byOne, byOther]: [string[], string[]] = [[], []]
    const reading = [readOn(one, byOne), readOn(other, byOther)]
    await bothHaveTheirs(place)
    const paths = Array.from({ length: 20 }, (_, n) => `/result-${n}`)
    const tell = async (path: string): Promise<number> => {
      const body = JSON.stringify({ id: path, files: [files.url + path] })
      return (await fetch(`${one.hook}?token=${TOKEN}`, { method: 'POST', body })).status
    }
    for (const path of paths) assert.equal(await tell(path), 202)
    await until(() => files.asked.length >= paths.length, 'all of them to be read')
    await until(() => byOne.length + byOther.length >= paths.length, 'all of them to be acknowledged')
    for (const path of paths) assert.equal(await tell(path), 202)
    assert.ok(byOne.length > 0 && byOther.length > 0, `${byOne.length} and ${byOther.length}`)
    await one[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
    await Promise.all(reading)
    assert.deepEqual(files.asked.map(({ path }) => path).toSorted(), paths.toSorted())
  })
})

describe('a process whose job somebody else has by now', () => {
  const name = 'job/shop/of/-'

  test('acknowledges a part quietly, and saves nothing', async () => {
    await using provider = await openJobProvider('brightdata')
    const place = createPlace(await splitOf('brightdata'))
    await using jobs = await place.open(provider.settings)
    const batch = await jobs.next()
    await claimEntry(place.registry, { name, state, fence: 1_000 })
    const before = await place.registry.get(name)
    await batch.ack()
    assert.deepEqual(await place.registry.get(name), before)
    assert.deepEqual(troublesOf(place), [])
    assert.deepEqual(place.troubles.filter(Boolean), [])
  })

  test('begins none', async () => {
    await using provider = await openJobProvider('brightdata')
    const place = createPlace()
    await using jobs = await place.open(provider.settings)
    await claimEntry(place.registry, { name, state, fence: 1_000 })
    await jobs.quietUntil(place.freeze())
    assert.deepEqual(provider.asked, [])
    assert.deepEqual(troublesOf(place), [])
  })

  test('whose trigger was under way saves no id, and who has it now is told that one may have begun', async () => {
    await using provider = await openJobProvider('brightdata', {
      async intervene({ path }) {
        if (path.endsWith('/trigger')) await claimEntry(place.registry, { name, state, fence: 1_000 })
        return undefined
      },
    })
    const place = createPlace()
    await using jobs = await place.open(provider.settings)
    await jobs.quietUntil(place.freeze())
    assert.equal(await place.phase(), 'triggering')
    assert.equal(provider.begun.length, 1)
  })
})
