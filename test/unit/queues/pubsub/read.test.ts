import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Logger } from '../../../../src/adapter.ts'
import { TransientError } from '../../../../src/errors.ts'
import { type Delivered, NO_LEASES } from '../../../../src/queues/pubsub/lease.ts'
import { readBatches, type Subscriber } from '../../../../src/queues/pubsub/read.ts'
import { silent } from '../../../support/queue-context.ts'

type Pull = Subscriber['pull']

const one = (id: string): Delivered => ({ id, ackId: id, message: { key: 'k', body: Buffer.from(id) } })

/** As a service that has nothing: no answer until it is told to stop. */
const nothing: Pull = (_, signal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))))

function stage(pulls: readonly Pull[], more: Partial<Subscriber> = {}) {
  const left = [...pulls]
  const stop = new AbortController()
  const ends: Promise<void>[] = []
  const subscriber: Subscriber = {
    prepare: async () => {},
    pull: (count, signal) => (left.shift() ?? nothing)(count, signal),
    leases: NO_LEASES,
    logger: silent,
    flow: { maxMessages: 10, maxBytes: 1_000_000 },
    ...more,
  }
  return {
    stop,
    read: (options: { maxItems?: number; lingerMs?: number } = {}) =>
      readBatches(subscriber, { ...options, stop: stop.signal, track: (work) => void ends.push(work) }),
    end: () => Promise.all(ends),
  }
}

test('hands a batch over when its time is over, though nothing else comes, even if the timer is early', async () => {
  const attempts = Array.from({ length: 100 }, async () => {
    const at = stage([async () => [one('a')]])
    const { value } = await at.read({ maxItems: 5, lingerMs: 1 }).next()
    assert.equal(value?.items.length, 1)
    at.stop.abort()
    await at.end()
  })
  await Promise.all(attempts)
})

test('hands a batch over before its time when it is full', async () => {
  const at = stage([async () => [one('a')], async () => [one('b'), one('c')]])
  const reader = at.read({ maxItems: 2, lingerMs: 60_000 })
  assert.equal((await reader.next()).value?.items.length, 2)
  at.stop.abort()
  assert.equal((await reader.next()).done, true)
  await at.end()
})

test('says once that reading stopped and once that it goes on, and prepares again', async () => {
  const said: string[] = []
  let prepared = 0
  const say = (level: string) => (_: object, message: string) => void said.push(`${level}: ${message}`)
  const logger: Logger = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
  const fail: Pull = async () => {
    throw new TransientError('QUEUE_UNAVAILABLE', 'away')
  }
  const at = stage([fail, fail, async () => [one('a')]], {
    logger,
    prepare: async () => void prepared++,
  })
  await at.read().next()
  assert.deepEqual(said, ['warn: reading stopped; it is tried again', 'info: reading goes on'])
  assert.equal(prepared, 3)
  at.stop.abort()
  await at.end()
})

test('asks for nothing more while what it fetched ahead is not handed over', async () => {
  const asked: number[] = []
  const some: Pull = async (count) => {
    asked.push(count)
    return Array.from({ length: Math.min(3, count) }, () => one('x'))
  }
  const at = stage(Array.from({ length: 50 }, () => some))
  const reader = at.read({ maxItems: 1 })
  await reader.next()
  for (let n = 0; n < 20; n++) await new Promise(setImmediate)
  assert.equal(
    asked.reduce((sum, count) => sum + Math.min(3, count), 0),
    11,
  )
  at.stop.abort()
  await at.end()
})

test('gives back what was fetched ahead, and what its last request still brings', async () => {
  const released: string[] = []
  const { promise, resolve } = Promise.withResolvers<readonly Delivered[]>()
  const at = stage([async () => [one('a'), one('b')], () => promise], {
    leases: { ...NO_LEASES, release: async (held) => void released.push(...held.map(({ id }) => id)) },
  })
  const reader = at.read({ maxItems: 1 })
  await reader.next()
  at.stop.abort()
  resolve([one('c')])
  await at.end()
  assert.deepEqual(released, ['b', 'c'])
  assert.equal((await reader.next()).done, true)
})
