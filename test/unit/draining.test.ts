import assert from 'node:assert/strict'
import { test } from 'node:test'
import { caughtUp, settled } from '../../src/draining.ts'
import { TransientError } from '../../src/errors.ts'
import type { Queue } from '../../src/queues/queue.ts'
import { createLedger } from '../../src/services/ledger.ts'
import type { Registry } from '../../src/stores/registry.ts'
import { createMemoryRegistry } from '../conformance/memory-registry.ts'

const never = new AbortController().signal

test('a look at the backlog that fails once does not end the waiting', async () => {
  const looks = [1, 'fails', 1, 0]
  await caughtUp(queueOf(looks), never)
  assert.deepEqual(looks, [])
})

test('a look at the backlog that fails for good does', async () => {
  const refused = new Error('refused')
  const backlog = () => Promise.reject(refused)
  await assert.rejects(caughtUp({ backlog } as unknown as Queue, never), refused)
})

test('waiting ends where it is told to, also while every look fails', async () => {
  const stop = new AbortController()
  const backlog = async () => {
    stop.abort()
    throw away()
  }
  await caughtUp({ backlog } as unknown as Queue, stop.signal)
})

test('a backlog alone does not tell what other processes have in hand', async () => {
  assert.equal(await caughtUp(queueOf([0]), never), false)
  assert.equal(await caughtUp({ caughtUp: async () => {} } as unknown as Queue, never), true)
})

test('a look at what is settled that fails once does not end the waiting', async () => {
  const kept = createMemoryRegistry()
  await createLedger(kept, 'me').settle([[{ run: 'r', seq: 0 }, 'stored']], never)
  let hasFailed = false
  const registry: Registry = {
    ...kept,
    list(...args) {
      if (hasFailed) return kept.list(...args)
      hasFailed = true
      throw away()
    },
  }
  await settled(1, { registry, run: 'r' }, never)
  assert.ok(hasFailed)
})

/** Tells one after the other. */
function queueOf(looks: (number | string)[]): Queue {
  const backlog = async () => {
    const look = looks.shift()
    if (typeof look !== 'number') throw away()
    return look
  }
  return { backlog } as unknown as Queue
}

const away = () => new TransientError('QUEUE_UNAVAILABLE', 'the socket was closed')
