import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBlocks } from '../../../../src/queues/embedded/block.ts'
import { openFolder, PARTITIONS } from '../../../../src/queues/embedded/folder.ts'
import { createLog, type Limits } from '../../../../src/queues/embedded/log.ts'
import { backlogOf, bytesOf, ensureGroup, type Topic } from '../../../../src/queues/embedded/topic.ts'
import { temporaryFolder } from '../../../support/temp.ts'

const HOUR_MS = 3_600_000
const plenty: Limits = { retentionMs: HOUR_MS, maxBytes: 1e9 }

async function openLog(limits: Limits) {
  const disposal = new AsyncDisposableStack()
  const { path } = disposal.use(await temporaryFolder())
  const folder = disposal.use(await openFolder(path))
  const time = { now: 1_700_000_000_000 }
  const log = createLog(folder, 'topic', limits, () => time.now)
  await log.change((topic) => {
    ensureGroup(topic, 'storage', true)
  })
  return { log, folder, time, [Symbol.asyncDispose]: () => disposal.disposeAsync() }
}

const blocks = (count: number, bytes = 10) =>
  encodeBlocks(
    Array.from({ length: count }, () => ({ key: 'k', body: Buffer.alloc(bytes) })),
    PARTITIONS,
  )

/** As if a group had acknowledged everything. */
const passAll = (group: string) => (topic: Topic) => {
  for (const [index, share] of ensureGroup(topic, group, false).shares.entries()) {
    share.cursor = topic.partitions[index]?.next ?? 0
  }
}

const kept = (topic: Topic): number => backlogOf(topic, 'unheard-of')

test('deletes what is older than its retention once every holding group has passed it', async () => {
  await using stage = await openLog(plenty)
  const { log, time } = stage
  await log.append(blocks(3))
  await log.change(passAll('storage'))
  time.now += HOUR_MS - 1
  await log.append(blocks(2))
  assert.equal(kept(log.state()), 5)
  time.now += 1
  await log.append(blocks(1))
  assert.equal(kept(log.state()), 3)
  assert.equal(backlogOf(log.state(), 'storage'), 3)
})

test('keeps what a holding group has not passed, however old', async () => {
  await using stage = await openLog(plenty)
  const { log, time } = stage
  await log.change((topic) => {
    ensureGroup(topic, 'archive', true)
  })
  await log.append(blocks(3))
  await log.change(passAll('storage'))
  time.now += 100 * HOUR_MS
  await log.append(blocks(1))
  assert.equal(kept(log.state()), 4)
})

test('deletes earlier what every holding group has passed, where the topic has grown too large', async () => {
  await using stage = await openLog({ retentionMs: HOUR_MS, maxBytes: 10_000 })
  const { log } = stage
  for (let n = 0; n < 20; n++) {
    await log.append(blocks(1, 2_000))
    await log.change(passAll('storage'))
  }
  assert.ok(bytesOf(log.state()) <= 12_100)
})

test('throws while it is full, names who has not read, and takes more once that has', async () => {
  await using stage = await openLog({ retentionMs: HOUR_MS, maxBytes: 10_000 })
  const { log } = stage
  for (let n = 0; n < 5; n++) await log.append(blocks(1, 2_000))
  const before = log.state()
  await assert.rejects(log.append(blocks(1)), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'QUEUE_FULL')
    assert.match(error.message, /max_bytes/)
    assert.match(error.message, /storage has not read 5 messages/)
    return true
  })
  assert.deepEqual(log.state(), before)
  await log.change(passAll('storage'))
  await log.append(blocks(1))
  assert.equal(backlogOf(log.state(), 'storage'), 1)
})

test('starts a new group at the oldest kept message', async () => {
  await using stage = await openLog({ retentionMs: 0, maxBytes: 1e9 })
  const { log } = stage
  await log.append(blocks(3))
  await log.change(passAll('storage'))
  await log.append(blocks(2))
  await log.change((topic) => {
    ensureGroup(topic, 'new', false)
  })
  assert.equal(backlogOf(log.state(), 'new'), 2)
})

test('reads on in the middle of a block, and over many', async () => {
  await using stage = await openLog(plenty)
  const { log } = stage
  for (let n = 0; n < 300; n++) {
    const message = (at: number) => ({ key: 'k', body: Buffer.from(String(2 * n + at)) })
    await log.append(encodeBlocks([message(0), message(1)], PARTITIONS))
  }
  const partition = log.state().partitions.findIndex(({ next }) => next === 600)
  for (const position of [0, 1, 299, 598, 599]) {
    const messages = log.read(partition, position, { items: 5, bytes: 1e6 })
    assert.equal(messages[0]?.body.toString(), String(position))
    assert.ok(messages.length >= Math.min(5, 600 - position))
  }
})

test('says which block is damaged or missing, and where', async () => {
  await using stage = await openLog(plenty)
  const { log, folder } = stage
  const { root, path, transact } = folder
  await log.append(blocks(3))
  const partition = log.state().partitions.findIndex(({ next }) => next === 3)
  const read = () => log.read(partition, 0, { items: 1, bytes: 1 })
  const start = ['block', 'topic', partition]
  const [key = []] = root.getKeys({ start, end: ['block', 'topic', partition + 1], limit: 1 })
  const bytes = root.getBinary(key)
  assert.ok(bytes)
  const damages = [
    () => void root.put(key, Buffer.from(bytes).fill(255, 20, 21)),
    () => void root.put(key, bytes.subarray(1)),
    () => void root.remove(key),
  ]
  for (const damage of damages) {
    await transact(damage)
    assert.throws(read, (error: Error & { code?: string }) => {
      assert.equal(error.code, 'DATA_CORRUPT')
      for (const part of ['topic', `partition ${partition}`, 'message 0', path])
        assert.ok(error.message.includes(part))
      return true
    })
  }
})
