import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Book, createBook } from '../../../../src/queues/kinesis/book.ts'
import type { Incoming, Shard } from '../../../../src/queues/kinesis/client.ts'
import { behindMs, caughtUp } from '../../../../src/queues/kinesis/lag.ts'
import { createOutbox } from '../../../../src/queues/kinesis/outbox.ts'
import { SHARD_END } from '../../../../src/queues/kinesis/position.ts'
import type { Registry } from '../../../../src/stores/registry.ts'
import { queueContext } from '../../../support/queue-context.ts'
import { temporaryFolder } from '../../../support/temp.ts'

const folder = await temporaryFolder()
const registry: Registry = await queueContext(folder.path, 'lag').openRegistry()
after(async () => {
  await registry[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const place = { stream: 's', address: 'a', setting: 'queue.endpoint' } as const
const outbox = createOutbox({
  kinesis: { place, put: async () => [] },
  maxRequestBytes: 1,
  timeoutMs: 1,
})

let books = 0
/** One shard in memory, to which anybody may write, and the book of its groups. */
function stage(behind = 0) {
  const records: Incoming[] = []
  let looks = 0
  const shards: Shard[] = [{ id: 'shard', parents: [], isClosed: false }]
  const book: Book = createBook(registry, `stream-${++books}`, 'identity')
  const kinesis = {
    shards: async () => shards,
    iterator: async (_: string, after: string) => (after === 'LATEST' ? String(records.length) : after),
    async records(iterator: string, count: number) {
      looks++
      const from = /^\d+$/.test(iterator) ? Number(iterator) : 0
      return {
        records: records.slice(from, from + count),
        next: String(Math.min(records.length, from + count)),
        behindMs: behind,
      }
    },
  }
  return {
    book,
    looks: () => looks,
    options: { kinesis, book, pollMs: 1, outbox },
    write: (arrivedAt = Date.now()): void => {
      const sequence = String(records.length + 1)
      records.push({ key: 'k', body: Buffer.alloc(1), sequence, arrivedAt })
    },
    checkpoint: async (position: string): Promise<void> => {
      const { revision } = await book.lease('g', 'shard')
      await book.setLease('g', 'shard', revision, { owner: 'me', checkpoint: position })
    },
  }
}

test('a group is as old as the first record that it has not acknowledged', async () => {
  const { options, write, checkpoint } = stage()
  assert.equal(await behindMs(options, 'g', {}), 0)
  write(Date.now() - 60_000)
  write(Date.now() - 5_000)
  assert.ok((await behindMs(options, 'g', {})) >= 60_000)
  await checkpoint('1')
  const age = await behindMs(options, 'g', {})
  assert.ok(age >= 5_000 && age < 60_000, `${age}`)
  await checkpoint('2')
  assert.equal(await behindMs(options, 'g', {}), 0)
  await checkpoint(SHARD_END)
  assert.equal(await behindMs(options, 'g', {}), 0)
})

test('where Kinesis has not come to a record yet, it tells how far behind it is', async () => {
  const { options } = stage(30_000)
  assert.equal(await behindMs(options, 'g', {}), 30_000)
})

test('a group has caught up once it has passed what others wrote before, whatever they write meanwhile', async () => {
  const { options, write, checkpoint, looks } = stage()
  const { signal } = new AbortController()
  write()
  write()
  let isCaughtUp = false
  const catching = caughtUp(options, 'g', signal).then(() => (isCaughtUp = true))
  await checkpoint('1')
  const before = looks()
  while (looks() < before + 3) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(isCaughtUp, false)
  write()
  await checkpoint('2')
  await catching
})

test('what was written about an earlier stream of the same name counts as absent', async () => {
  const { book } = stage()
  await book.setLease('g', 'shard', 0, { owner: 'me', checkpoint: '5' })
  const anew = createBook(registry, `stream-${books}`, 'another identity')
  const { owner, checkpoint, revision } = await anew.lease('g', 'shard')
  assert.deepEqual([owner, checkpoint], [undefined, 'TRIM_HORIZON'])
  assert.ok(revision > 0)
})

test('groups of any name are kept apart', async () => {
  const { book } = stage()
  const names = ['storage', 'a', 'a/b', 'a%2Fb', 'grupa żółw', '🔑'.repeat(200)]
  for (const name of names) await book.ensure(name)
  assert.deepEqual(new Set(await book.groups()), new Set(names))
  await book.remove('a')
  assert.deepEqual(new Set(await book.groups()), new Set(names.filter((name) => name !== 'a')))
})
