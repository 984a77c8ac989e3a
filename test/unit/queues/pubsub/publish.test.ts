import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeadwaterError, TransientError } from '../../../../src/errors.ts'
import type { PubsubMessage } from '../../../../src/queues/pubsub/message.ts'
import { createPublisher } from '../../../../src/queues/pubsub/publish.ts'

const away = new TransientError('QUEUE_UNAVAILABLE', 'away')

const message = (text: string, bytes = 1): PubsubMessage => ({
  data: Buffer.alloc(bytes, text),
  orderingKey: text,
  attributes: {},
})

/** Notes what is sent; `answers` says what becomes of each request in turn. */
function service(...answers: (() => Promise<void>)[]) {
  const sent: string[] = []
  return {
    sent,
    send: async (messages: readonly PubsubMessage[]) => {
      sent.push(messages.map(({ orderingKey }) => orderingKey).join(''))
      await answers.shift()?.()
    },
  }
}

const failing = async (): Promise<void> => {
  throw away
}

test('publishes one call after the other, in their order', async () => {
  let inFlight = 0
  const { sent, send } = service()
  const publisher = createPublisher(async (messages) => {
    assert.equal(++inFlight, 1)
    await send(messages)
    await new Promise(setImmediate)
    inFlight--
  }, 1_000)
  await Promise.all(['a', 'b', 'c'].map((each) => publisher.publish([message(each)])))
  assert.deepEqual(sent, ['a', 'b', 'c'])
})

test('fails with a call those that wait behind it, and takes what comes after', async () => {
  const { sent, send } = service(failing)
  const publisher = createPublisher(send, 1_000)
  const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((each) => publisher.publish([message(each)])))
  for (const outcome of outcomes)
    assert.ok(outcome.status === 'rejected' && outcome.reason instanceof TransientError)
  assert.deepEqual(sent, ['a'])
  await publisher.publish([message('a'), message('b')])
  assert.deepEqual(sent, ['a', 'ab'])
})

test('sends nothing more of a call when a part of it failed', async () => {
  const { sent, send } = service(async () => {}, failing)
  const publisher = createPublisher(send, 1_000)
  const three = ['a', 'b', 'c'].map((each) => message(each, 6_000_000))
  await assert.rejects(publisher.publish(three), away)
  assert.deepEqual(sent, ['a', 'b'])
})

test('fills requests to what the service takes, and no further', async () => {
  const counts: number[] = []
  const publisher = createPublisher(async (messages) => void counts.push(messages.length), 1_000)
  await publisher.publish(Array.from({ length: 2_001 }, () => message('x')))
  assert.deepEqual(counts.splice(0), [1_000, 1_000, 1])
  await publisher.publish([9_500_000, 300_000, 200_000, 9_600_000].map((bytes) => message('x', bytes)))
  assert.deepEqual(counts.splice(0), [2, 2])
  await publisher.publish([])
  assert.deepEqual(counts, [])
})

test('does not disturb those behind who was told to stop, or never', async () => {
  const stop = new AbortController()
  const { sent, send } = service(async () => stop.signal.throwIfAborted())
  const publisher = createPublisher(send, 1_000)
  const never = new HeadwaterError('NOT_FOUND', 'no group')
  const first = publisher.publish([message('a')], stop.signal)
  const second = publisher.publish([message('b')], undefined, async () => Promise.reject(never))
  const third = publisher.publish([message('c')], stop.signal)
  const fourth = publisher.publish([message('d')])
  stop.abort(new Error('stopped'))
  await Promise.all([
    assert.rejects(first, /stopped/),
    assert.rejects(second, never),
    assert.rejects(third, /stopped/),
    fourth,
  ])
  assert.deepEqual(sent, ['a', 'd'])
})

test('waits no longer for its turn than a request may take', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const publisher = createPublisher(() => promise, 20)
  const first = publisher.publish([message('a')])
  const alive = setTimeout(() => {}, 5_000) // the timer that is waited for holds no process
  await assert.rejects(publisher.publish([message('b')]), { code: 'QUEUE_UNAVAILABLE' })
  clearTimeout(alive)
  resolve()
  await first
})
