import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { claimCheckpoint } from '../../../src/sources/checkpoint.ts'
import { state } from '../../../src/sources/http-poll/checkpoint.ts'
import { openProvider } from '../../support/provider.ts'
import { eventually } from '../../support/pipeline.ts'
import { createPlace, numbered, type Poll } from './http-poll-harness.ts'

const PRODUCTS = Array.from({ length: 20 }, (_, n) => `p${n}`)
const PAGES = 3
const ROUNDS = 10

describe('two processes that poll under one source', () => {
  test('have each product at one of them, and who stays goes on where the other was', async () => {
    const place = createPlace()
    const underWay = new Set<string>()
    const faults: string[] = []
    const lastPages = new Map<string, number>()
    const askedBy = new Map<string, Set<string>>([
      ['one', new Set()],
      ['other', new Set()],
    ])
    await using provider = await openProvider(async ({ path, params, headers }, n) => {
      const page = Number(params.get('page'))
      const last = lastPages.get(path) ?? 0
      if (underWay.has(path)) faults.push(`${path} asked for twice at once`)
      // A page that was not acknowledged is asked for again by who comes next.
      if (page !== (last % PAGES) + 1 && page !== last) faults.push(`${path}: page ${page} after ${last}`)
      underWay.add(path)
      lastPages.set(path, page)
      askedBy.get(String(headers['x-process']))?.add(path)
      for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate)
      underWay.delete(path)
      return { body: { reviews: numbered(n) } }
    })
    const open = (process: string): Promise<Poll> =>
      place.open({
        url: `${provider.url}/{product}`,
        headers: { 'x-process': process },
        products: PRODUCTS,
        everyMs: '1s',
        leaseMs: '1s',
        concurrency: 2,
        paging: { kind: 'page', param: 'page', max: PAGES },
      })
    /** Resolves after some rounds in which these asked for all products, each for its own. */
    const sharedBy = (...processes: string[]): Promise<true> =>
      eventually(
        async () => {
          for (const paths of askedBy.values()) paths.clear()
          const end = provider.asked.length + ROUNDS * PRODUCTS.length
          while (provider.asked.length < end) await new Promise(setImmediate)
          const shares = processes.map((process) => [...(askedBy.get(process) ?? [])])
          const isOwn = shares.flat().length === PRODUCTS.length
          const isAll = new Set(shares.flat()).size === PRODUCTS.length
          return (isOwn && isAll && shares.every(({ length }) => length > 0)) || undefined
        },
        `${processes.join(' and ')} to share all products`,
        20_000,
      )

    await using one = await open('one')
    const reading = [readOn(one)]
    await sharedBy('one')
    await using other = await open('other')
    reading.push(readOn(other))
    await sharedBy('one', 'other')
    await one[Symbol.asyncDispose]()
    await sharedBy('other')
    await other[Symbol.asyncDispose]()
    await Promise.all(reading)
    assert.deepEqual(faults, [])
    assert.deepEqual(
      place.log.filter(({ level }) => level === 'warn' || level === 'error'),
      [],
    )
  })
})

test('a page whose product somebody else has by now is acknowledged quietly, and nothing is saved', async () => {
  const place = createPlace()
  await using provider = await openProvider((_, n) => ({ body: { reviews: numbered(n) } }))
  await using poll = await place.open({ url: provider.url })
  const batch = await poll.next()
  const { registry } = place
  await claimCheckpoint({ name: 'shop', registry }, { part: '-', state, fence: 1_000 })
  await batch.ack()
  assert.equal(await place.saved(), undefined)
  assert.deepEqual(place.log, [])
  assert.deepEqual(place.troubles.filter(Boolean), [])
})

/** Acknowledges what comes until the poller is disposed of. */
async function readOn(poll: Poll): Promise<void> {
  while (true) {
    const batch = await poll.next().catch(() => undefined)
    if (batch === undefined) return
    await batch.ack()
  }
}
