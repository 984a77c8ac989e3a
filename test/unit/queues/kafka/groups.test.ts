import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransientError } from '../../../../src/errors.ts'
import { createGroups } from '../../../../src/queues/kafka/groups.ts'

test('waiting until a group has caught up outlasts brokers that are away for a moment', async () => {
  let committedOffset = 3n
  let asked = 0
  const admin = {
    metadata: async () => ({ topics: new Map([['t', { partitions: new Map([[0, {}]]) }]]) }),
    listOffsets: async () => [{ partitions: [{ partitionIndex: 0, offset: 5n }] }],
    async listConsumerGroupOffsets() {
      return [{ topics: [{ partitions: [{ partitionIndex: 0, committedOffset: committedOffset++ }] }] }]
    },
  }
  // Every other question gets no answer.
  const administrator = {
    async ask(question: (asked: typeof admin) => Promise<unknown>) {
      if (asked++ % 2 === 0) throw new TransientError('QUEUE_UNAVAILABLE', 'the socket was closed')
      return question(admin)
    },
  }
  const [connection, names] = [
    { kafka: { FetchIsolationLevels: {} } },
    { toBroker: (group: string) => group },
  ]
  const parts = [connection, administrator, 't', names, {}] as unknown as Parameters<typeof createGroups>
  await createGroups(...parts).caughtUp('g', { signal: AbortSignal.timeout(10_000) })
  assert.equal(committedOffset, 6n)
})
