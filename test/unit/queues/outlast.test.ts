import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Code, HeadwaterError, TransientError } from '../../../src/errors.ts'
import embedded from '../../../src/queues/embedded/index.ts'
import { outlastRefusals } from '../../../src/queues/outlast.ts'
import type { Queue } from '../../../src/queues/queue.ts'
import { numbered } from '../../support/messages.ts'
import { queueContext } from '../../support/queue-context.ts'
import { temporaryFolder } from '../../support/temp.ts'

/** A real queue whose publishing is refused once. */
async function openRefusing(code: Code, message = 'not today') {
  const folder = await temporaryFolder()
  const real = await embedded.open(embedded.config.parse({}), queueContext(folder.path, 'topic'))
  let isRefused = false
  const refusing = async (work: () => ReturnType<Queue['publish']>) => {
    if (isRefused) return work()
    isRefused = true
    throw new HeadwaterError(code, message)
  }
  const queue = outlastRefusals({
    ...real,
    publish: (messages) => refusing(() => real.publish(messages)),
    publishTo: (group, messages) =>
      refusing(async () => (await real.publishTo?.(group, messages)) ?? assert.fail()),
  })
  return {
    queue,
    async [Symbol.asyncDispose]() {
      await queue[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

for (const code of ['QUEUE_REFUSED', 'TOPIC_MISSING'] as const) {
  test(`a queue that answers ${code} while it runs is tried again, and says the same`, async () => {
    await using stage = await openRefusing(code)
    const isTransient = (error: unknown) =>
      error instanceof TransientError && error.code === code && error.message === 'not today'
    await assert.rejects(stage.queue.publish(numbered(0, 1)), isTransient)
    assert.deepEqual(await stage.queue.publish(numbered(0, 1)), [])
    assert.equal(await stage.queue.backlog?.('storage'), 1)
  })
}

test('what nobody can mend from outside stays what it is', async () => {
  await using stage = await openRefusing('USAGE')
  const isFinal = (error: unknown) => error instanceof HeadwaterError && !(error instanceof TransientError)
  await assert.rejects(async () => stage.queue.publishTo?.('storage', numbered(0, 1)), isFinal)
})
