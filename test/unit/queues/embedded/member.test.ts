import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import embedded from '../../../../src/queues/embedded/index.ts'
import { openFolder } from '../../../../src/queues/embedded/folder.ts'
import { createLog } from '../../../../src/queues/embedded/log.ts'
import { ensureGroup, findGroup } from '../../../../src/queues/embedded/topic.ts'
import type { Queue } from '../../../../src/queues/queue.ts'
import { queueContext } from '../../../support/queue-context.ts'
import { temporaryFolder } from '../../../support/temp.ts'

const config = { retentionMs: 0, maxBytes: 1e9, maxMessageBytes: 1e6 }

async function openStage() {
  const disposal = new AsyncDisposableStack()
  const { path } = disposal.use(await temporaryFolder())
  const warnings: string[] = []
  const quiet = () => {}
  const logger = {
    debug: quiet,
    info: quiet,
    error: quiet,
    warn: (_: object, text: string) => warnings.push(text),
  }
  const context = queueContext(path, 'topic', logger)
  const openQueue = async () => disposal.use(await embedded.open(embedded.config.parse(config), context))
  const folder = disposal.use(await openFolder(`${path}/queue`))
  const log = createLog(folder, 'topic', config, Date.now)
  return { openQueue, log, warnings, [Symbol.asyncDispose]: () => disposal.disposeAsync() }
}

const publish = (queue: Queue, count: number) =>
  queue.publish(Array.from({ length: count }, (_, n) => ({ key: 'k', body: Buffer.from(String(n)) })))

async function readOne(queue: Queue, group: string) {
  for await (const batch of queue.read({ group, signal: AbortSignal.timeout(10_000), maxItems: 1 }))
    return batch
  return undefined
}

test('moves nothing with an acknowledgement whose lease went to another reader, and says so', async () => {
  await using stage = await openStage()
  const { log, warnings, openQueue } = stage
  const queue = await openQueue()
  await publish(queue, 3)
  const batch = await readOne(queue, 'g')
  await log.change((topic) => {
    for (const share of findGroup(topic, 'g')?.shares ?? []) share.owner = 'another'
  })
  await batch?.ack()
  assert.equal(await queue.backlog?.('g'), 3)
  assert.match(warnings.join(), /the lease went to another reader/)
})

test('goes on with the oldest kept message where earlier ones were deleted, and says how many', async () => {
  await using stage = await openStage()
  const { openQueue, warnings, log } = stage
  const queue = await openQueue()
  await publish(queue, 2)
  await (await readOne(queue, 'slow'))?.ack()
  await queue[Symbol.asyncDispose]()

  const again = await openQueue()
  await publish(again, 2)
  await log.change((topic) => {
    for (const [index, share] of (findGroup(topic, 'storage')?.shares ?? []).entries()) {
      share.cursor = Math.max(0, (topic.partitions[index]?.next ?? 0) - 1)
    }
  })
  await publish(again, 1)
  const batch = await readOne(again, 'slow')
  assert.equal(batch?.items[0]?.body.toString(), '0')
  assert.match(warnings.join(), /group slow lost 1 messages/)
})

test('gives up a partition whose unread messages were deleted: none read it once a second reader had come', async () => {
  await using stage = await openStage()
  const { openQueue, log, warnings } = stage
  const [one, two] = [await openQueue(), await openQueue()]
  const keys = Array.from({ length: 64 }, (_, n) => `key-${n}`)
  const publishAll = (text: string) => one.publish(keys.map((key) => ({ key, body: Buffer.from(text) })))
  await publishAll('old')
  await log.change((topic) => {
    ensureGroup(topic, 'slow', false)
    for (const [index, share] of (findGroup(topic, 'storage')?.shares ?? []).entries())
      share.cursor = topic.partitions[index]?.next ?? 0
  })

  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(30_000)])
  const readAll = async (queue: Queue, seen: (bodies: readonly Buffer[]) => void) => {
    for await (const batch of queue.read({ group: 'slow', signal })) {
      await batch.ack()
      seen(batch.items.map(({ body }) => body))
    }
  }
  const ownersOf = () => new Set(findGroup(log.state(), 'slow')?.shares.map(({ owner }) => owner))
  const until = async (holds: () => boolean) => {
    while (!holds() && !signal.aborted) await sleep(10)
    assert.ok(holds())
  }
  let read = 0
  const count = (bodies: readonly Buffer[]) => void (read += bodies.length)
  const readings = [readAll(one, count)]
  await until(() => warnings.length === 4)
  readings.push(readAll(two, count))
  await until(() => ownersOf().size === 2)
  await publishAll('new')
  await until(() => read === keys.length)
  stop.abort()
  await Promise.all(readings)
})

test('gives its partitions back when nobody reads and nothing is unacknowledged', async () => {
  await using stage = await openStage()
  const { openQueue } = stage
  const [one, two] = [await openQueue(), await openQueue()]
  await publish(one, 2)
  await (await readOne(one, 'g'))?.ack()
  const batch = await readOne(two, 'g')
  assert.equal(batch?.items[0]?.body.toString(), '1')
})

test('refuses names that no key can hold', async () => {
  await using stage = await openStage()
  const queue = await stage.openQueue()
  for (const group of ['', ' g', 'a\0b', 'x'.repeat(201)]) {
    assert.throws(() => queue.read({ group, signal: AbortSignal.abort() }), { code: 'CONFIG_INVALID' })
  }
})
