import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { ProtocolError } from '@platformatic/kafka'
import type { Connection } from '../../../../src/queues/kafka/connect.ts'
import { createLane, type Lane, type Outgoing } from '../../../../src/queues/kafka/lane.ts'

type Send = (values: readonly string[], retryDelay: (error: Error) => void) => Promise<void>

/** A lane whose producers do what they are told, and note what is sent, by which of them. */
function laneOf(send: Send, settings: { publishTimeoutMs?: number; batchBytes?: number } = {}) {
  const sent: { readonly producer: number; readonly values: readonly string[] }[] = []
  let producers = 0
  let underWay = 0
  class Producer {
    readonly connections = Object.assign(new EventEmitter(), { *[Symbol.iterator]() {} })
    readonly id = producers++
    readonly options: { retryDelay: (...args: unknown[]) => number }
    constructor(options: { retryDelay: (...args: unknown[]) => number }) {
      this.options = options
    }
    async send({ messages }: { messages: readonly { value: Buffer }[] }): Promise<void> {
      assert.equal(underWay++, 0, 'two sends at once')
      const values = messages.map(({ value }) => value.toString())
      sent.push({ producer: this.id, values })
      try {
        await send(values, (error) => this.options.retryDelay(this, 'produce', 1, 9, error))
      } finally {
        underWay--
      }
    }
    async close(): Promise<void> {}
  }
  const kafka = { Producer, ProduceAcks: { ALL: -1 } }
  const connection = { kafka, options: {}, address: 'kafka:9092' } as unknown as Connection
  const defaults = { publishTimeoutMs: 5_000, batchBytes: 1_000 }
  const lane = createLane({ connection, topic: 't', compression: 'none', ...defaults, ...settings })
  return { lane, sent }
}

const message = (value: string, partition = 0, bytes = 10): Outgoing => {
  return { partition, key: Buffer.from('k'), value: Buffer.from(value), headers: new Map(), bytes }
}
const send = (lane: Lane, ...values: string[]) => lane.send(values.map((value) => message(value)))

test('sends together what waited, one send at a time, in order', async () => {
  const { lane, sent } = laneOf(async () => {})
  await Promise.all([send(lane, 'a'), send(lane, 'b', 'c'), send(lane, 'd')])
  assert.deepEqual(
    sent.map(({ values }) => values),
    [['a'], ['b', 'c', 'd']],
  )
})

test('sends no more to one partition than a batch may hold', async () => {
  const { lane, sent } = laneOf(async () => {}, { batchBytes: 100 })
  const messages = [message('a', 0, 60), message('b', 1, 60), message('c', 0, 60), message('d', 0, 40)]
  await lane.send(messages)
  assert.deepEqual(
    sent.map(({ values }) => values),
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  )
})

test('sends nothing that waits behind a failure before the failure was told', async () => {
  let isBroken = true
  const { lane, sent } = laneOf(async () => {
    if (isBroken) throw new ProtocolError('NOT_ENOUGH_REPLICAS')
  })
  const outcomes = await Promise.allSettled([send(lane, 'a'), send(lane, 'b'), send(lane, 'c')])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  )
  isBroken = false
  await send(lane, 'a')
  await send(lane, 'b')
  assert.deepEqual(sent, [
    { producer: 0, values: ['a'] },
    { producer: 1, values: ['a'] },
    { producer: 1, values: ['b'] },
  ])
})

test('gives up in time, with the reason why it was tried again', async () => {
  const { lane } = laneOf(
    async (_, retryDelay) => {
      retryDelay(new ProtocolError('NOT_ENOUGH_REPLICAS'))
      await new Promise(() => {})
    },
    { publishTimeoutMs: 50 },
  )
  await assert.rejects(send(lane, 'a'), {
    code: 'QUEUE_UNAVAILABLE',
    message: /publish_timeout.*NOT_ENOUGH_REPLICAS/,
  })
})

test('begins anew soon where partitions have moved', async () => {
  const { lane } = laneOf(async (_, retryDelay) => {
    for (const _attempt of [1, 2, 3]) retryDelay(new ProtocolError('NOT_LEADER_OR_FOLLOWER'))
    await new Promise(() => {})
  })
  await assert.rejects(send(lane, 'a'), { code: 'QUEUE_UNAVAILABLE', message: /NOT_LEADER_OR_FOLLOWER/ })
})

test('fails all that waits when it is closed', async () => {
  const { lane } = laneOf(() => new Promise(() => {}))
  const waiting = [send(lane, 'a'), send(lane, 'b')]
  lane.close()
  for (const each of waiting) await assert.rejects(each, { code: 'QUEUE_UNAVAILABLE', message: /closed/ })
  await assert.rejects(send(lane, 'c'), { code: 'QUEUE_UNAVAILABLE', message: /closed/ })
})
