import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { TransientError } from '../../../../src/errors.ts'
import { createBell } from '../../../../src/lib/bell.ts'
import { type Book, createBook } from '../../../../src/queues/kinesis/book.ts'
import type { Incoming, Shard } from '../../../../src/queues/kinesis/client.ts'
import { createCursor, type Taken } from '../../../../src/queues/kinesis/cursor.ts'
import { createMember, type Member } from '../../../../src/queues/kinesis/member.ts'
import { createOutage } from '../../../../src/queues/kinesis/outage.ts'
import { SHARD_END, TRIM_HORIZON } from '../../../../src/queues/kinesis/position.ts'
import { queueContext, silent } from '../../../support/queue-context.ts'
import { temporaryFolder } from '../../../support/temp.ts'

const LEASE_MS = 2_000
const LIMIT_MS = 10_000
const ROOM = { items: 2, bytes: 1_000 }

const folder = await temporaryFolder()
const registry = await queueContext(folder.path, 'member').openRegistry()
const members: Member[] = []
after(async () => {
  await Promise.all(members.map((member) => member.close()))
  await registry[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

let streams = 0
/** A stream in memory, of shards with so many records each. */
function stageOf(shards: readonly Shard[], count: number) {
  const book = createBook(registry, `member-${++streams}`, 'identity')
  const records = Array.from({ length: count }, (_, n): Incoming => {
    return { key: 'k', body: Buffer.alloc(1), sequence: String(n + 1), arrivedAt: 0 }
  })
  const isClosed = (id: string): boolean => shards.find((shard) => shard.id === id)?.isClosed ?? false
  const kinesis = {
    shards: async () => shards,
    iterator: async (shard: string, after: string) => `${shard} ${after === TRIM_HORIZON ? 0 : after}`,
    async records(iterator: string, limit: number) {
      const [shard = '', from = 0] = iterator.split(' ')
      const page = records.slice(Number(from), Number(from) + limit)
      const isAtEnd = isClosed(shard) && page.length === 0
      const next = isAtEnd ? undefined : `${shard} ${Number(from) + page.length}`
      return { records: page, next, behindMs: 0 }
    },
  }
  const warnings: string[] = []
  const logger = { ...silent, warn: (_: object, text: string) => void warnings.push(text) }
  const bell = createBell()
  const outage = createOutage(logger, 'reading')
  const join = (id: string, mine: Book = book): Member => {
    const member = createMember({
      kinesis,
      book: mine,
      group: 'g',
      id,
      leaseMs: LEASE_MS,
      open: (shard, position, fail) =>
        createCursor({ kinesis, shard, position, pollMs: 1, bell, outage, fail }),
      bell,
      outage,
      logger,
    })
    members.push(member)
    member.join()
    return member
  }
  const checkpointOf = async (shard: string) => (await book.lease('g', shard)).checkpoint
  return { book, join, checkpointOf, warnings }
}

const open = (id: string, ...parents: readonly string[]): Shard => ({ id, parents, isClosed: false })

test('a reader that was taken for dead moves no checkpoint any more, and is told', async () => {
  const { book, join, checkpointOf, warnings } = stageOf([open('s')], 10)
  // It lives, and no sign of it arrives.
  const zombie = join('zombie', { ...book, beat: async () => true })
  const held = await taken(zombie)
  const heir = join('heir')
  const theirs = [await taken(heir), await taken(heir)]
  assert.deepEqual([held.from, theirs[0]?.from, theirs[1]?.to], [0, 0, 4])
  await heir.acknowledge(theirs.filter((each) => each !== undefined))
  await zombie.acknowledge([held])
  assert.equal(await checkpointOf('s'), '4')
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /went to another reader/)
  await Promise.all([zombie.close(), heir.close()])
  assert.equal(await checkpointOf('s'), '4')
})

test('a shard changes hands once nothing of it is under way', async () => {
  const { book, join, checkpointOf, warnings } = stageOf([open('s')], 10)
  const first = join('b')
  const held = await taken(first)
  const second = join('a') // comes first in the order, and is due the only shard
  await until(() => first.cursors().length === 0)
  assert.equal((await book.lease('g', 's')).owner, 'b')
  assert.equal(second.cursors().length, 0)
  await first.acknowledge([held])
  const next = await taken(second)
  assert.equal(await checkpointOf('s'), '2')
  await second.acknowledge([next])
  assert.equal(await checkpointOf('s'), '4')
  assert.deepEqual(warnings, [])
  await Promise.all([first.close(), second.close()])
})

test('an acknowledgement that completes others takes them along, and what is not complete stays', async () => {
  const { join, checkpointOf } = stageOf([open('s')], 10)
  const member = join('a')
  const [first, second, third] = [await taken(member), await taken(member), await taken(member)]
  await member.acknowledge([second])
  assert.equal(await checkpointOf('s'), TRIM_HORIZON)
  await Promise.all([member.acknowledge([first]), member.acknowledge([first])])
  assert.equal(await checkpointOf('s'), '4')
  await member.close()
  await member.acknowledge([third])
  assert.equal(await checkpointOf('s'), '4')
})

test('the children come once all of a closed shard is acknowledged', async () => {
  const shards = [{ ...open('parent'), isClosed: true }, open('child', 'parent')]
  const { join, checkpointOf } = stageOf(shards, 2)
  const member = join('a')
  const last = await taken(member)
  const cursor = last.cursor
  await until(() => {
    if (cursor.isDue) cursor.fetch()
    return cursor.isRead
  })
  assert.deepEqual(
    member.cursors().map(({ shard }) => shard),
    ['parent'],
  )
  await member.acknowledge([last])
  assert.equal(await checkpointOf('parent'), SHARD_END)
  await until(() => member.cursors().some(({ shard }) => shard === 'child'))
  await member.close()
})

test('what a killed reader had is taken after its lease, by the clock of who waits', async () => {
  const { book, join, checkpointOf } = stageOf([open('s')], 10)
  await book.ensure('g')
  await book.beat('g', 'killed', 0, 7)
  await book.setLease('g', 's', 0, { owner: 'killed', checkpoint: '4' })
  const startedAt = performance.now()
  const member = join('z')
  const first = await taken(member)
  assert.ok(performance.now() - startedAt >= LEASE_MS)
  await member.acknowledge([first])
  assert.equal(await checkpointOf('s'), '6')
  await member.close()
  assert.equal((await book.read('g')).beats.size, 0)
})

test('a shard is read though the answer to its claim was lost', async () => {
  const { book, join, checkpointOf } = stageOf([open('s')], 10)
  let isLost = false
  const member = join('a', {
    ...book,
    async setLease(...lease) {
      const isSet = await book.setLease(...lease)
      if (isLost) return isSet
      isLost = true
      throw away()
    },
  })
  await member.acknowledge([await taken(member)])
  assert.equal(await checkpointOf('s'), '2')
  await member.close()
})

test('a shard whose hand-over failed is read, by who was to have it or by who has it', async () => {
  const { book, join, checkpointOf } = stageOf([open('s')], 10)
  let isAway = false
  let failed = 0
  const first = join('b', {
    ...book,
    async setLease(group, shard, revision, lease) {
      if (!isAway || lease.owner !== undefined) return book.setLease(group, shard, revision, lease)
      failed++
      throw away()
    },
  })
  await first.acknowledge([await taken(first)])
  isAway = true
  const passing = join('a') // comes first in the order, and is due the only shard
  await until(() => failed > 0)
  await passing.close()
  isAway = false
  await first.acknowledge([await taken(first)])
  assert.equal(await checkpointOf('s'), '4')

  isAway = true
  failed = 0
  const second = join('a')
  await until(() => failed > 0)
  isAway = false
  await second.acknowledge([await taken(second)])
  assert.equal(await checkpointOf('s'), '6')
  await Promise.all([first.close(), second.close()])
})

const away = () => new TransientError('STORE_UNAVAILABLE', 'the registry gave no answer')

/** The next two messages that a member may read. */
async function taken(member: Member): Promise<Taken> {
  let found: Taken | undefined
  await until(() => {
    member.check()
    for (const cursor of member.cursors()) {
      if (cursor.isDue) cursor.fetch()
      found ??= cursor.take(ROOM)
    }
    return found !== undefined
  })
  assert.ok(found)
  return found
}

async function until(holds: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + LIMIT_MS
  while (!holds()) {
    assert.ok(performance.now() < giveUpAt, 'it did not come in time')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
