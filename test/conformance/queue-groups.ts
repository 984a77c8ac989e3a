import assert from 'node:assert/strict'
import type { Batch } from '../../src/batch.ts'
import type { Message, Queue } from '../../src/queues/queue.ts'
import { numbered, text } from '../support/messages.ts'

/** What a promise is tried on. */
export interface Stage {
  readonly queue: Queue
  /** One more session on the same queue. */
  readonly reopen: () => Promise<Queue>
  /** Reads and acknowledges until there are `count` messages. */
  readonly take: (queue: Queue, count: number, group?: string) => Promise<Message[]>
  /** Reads `count` batches of one message each and acknowledges none. */
  readonly hold: (queue: Queue, count: number) => Promise<Batch<Message>[]>
}

/** What not every broker can do. */
export type Optional =
  | 'backlog'
  | 'oldestAgeMs'
  | 'caughtUp'
  | 'groups'
  | 'addGroup'
  | 'removeGroup'
  | 'publishTo'
export type Declare = (
  title: string,
  run: (stage: Stage) => Promise<void>,
  needs?: readonly Optional[],
) => void

/** Which groups keep what they have not read from being deleted: those told to, all, or none. */
export type Holds = 'told' | 'all' | 'none'

export interface GroupTraits {
  readonly holds: Holds
  /** Whether a new group sees only what is published after it was made: the broker keeps nothing for those to come. */
  readonly beginsLate: boolean
  /** How coarse the broker's clock is: a message may seem to have come so much earlier. */
  readonly arrivalStepMs: number
  /** Whether the queue can tell that a reader of a group is at work. */
  readonly seesReaders: boolean
}

/** What a queue promises of its groups, as far as its broker knows them. */
export function groupPromises(
  promise: Declare,
  { holds, beginsLate, arrivalStepMs, seesReaders }: GroupTraits,
): void {
  promise(
    'tells the backlog of a group',
    async ({ queue, reopen, take, hold }) => {
      const other = await reopen()
      assert.equal(await queue.backlog?.('storage'), 0)
      await queue.publish(numbered(0, 5))
      assert.equal(await other.backlog?.('storage'), 5)
      await take(queue, 5, 'storage')
      assert.equal(await other.backlog?.('storage'), 0)
      const [first] = await hold(queue, 2)
      assert.equal(await other.backlog?.('g'), 5)
      await first?.ack()
      assert.equal(await other.backlog?.('g'), 4)
    },
    ['backlog'],
  )

  promise(
    'tells when a group has caught up, whatever is published meanwhile',
    async ({ queue, hold }) => {
      const { signal } = new AbortController()
      await queue.caughtUp?.('g', { signal })
      await queue.publish(numbered(0, 2))
      const [first, second] = await hold(queue, 2)
      let isCaughtUp = false
      const caughtUp = queue.caughtUp?.('g', { signal }).then(() => (isCaughtUp = true))
      // A broker that is elsewhere has been asked for its ends before this is answered.
      await queue.backlog?.('g')
      await queue.publish(numbered(2, 3))
      await first?.ack()
      assert.equal(isCaughtUp, false)
      await second?.ack()
      await caughtUp
      if (queue.backlog) assert.equal(await queue.backlog('g'), 1)
      const stop = new AbortController()
      const stopped = queue.caughtUp?.('g', { signal: stop.signal })
      stop.abort()
      await stopped
    },
    ['caughtUp'],
  )

  promise(
    'tells how long the oldest unacknowledged message has waited',
    async ({ queue, take }) => {
      const ageMs = async (): Promise<number> => (await queue.oldestAgeMs?.('storage')) ?? Number.NaN
      assert.equal(await ageMs(), 0)
      const before = Date.now()
      await queue.publish(numbered(0, 5))
      let waited = 0
      while (waited < 5) waited = await ageMs()
      assert.ok(waited <= Date.now() - before + arrivalStepMs, `${waited} ms`)
      await take(queue, 5, 'storage')
      assert.equal(await ageMs(), 0)
    },
    ['oldestAgeMs'],
  )

  promise(
    'refuses a group that has no name it could have',
    async ({ queue }) => {
      for (const group of ['', ' a', 'a\n', 'x'.repeat(201)])
        await assert.rejects(async () => queue.addGroup?.(group, { hold: holds !== 'none' }), {
          code: 'CONFIG_INVALID',
        })
    },
    ['addGroup'],
  )

  promise(
    'lists its groups with what waits for each',
    async ({ queue, take }) => {
      await queue.publish(numbered(0, 3))
      await take(queue, 3, 'g')
      const groups = (await queue.groups?.()) ?? []
      const sorted = groups.toSorted((a, b) => a.group.localeCompare(b.group))
      assert.deepEqual(
        sorted.map((state) => [state.group, state.holds]),
        [
          ['g', holds === 'all'],
          ['storage', holds !== 'none'],
        ],
      )
      const tellsBacklog = queue.backlog !== undefined
      assert.deepEqual(
        sorted.map(({ backlog }) => backlog),
        tellsBacklog ? [0, 3] : [undefined, undefined],
      )
    },
    ['groups'],
  )

  promise(
    'makes a group that begins at the oldest kept message, once',
    async ({ queue, take }) => {
      if (!beginsLate) await queue.publish(numbered(0, 2))
      const hold = holds !== 'none'
      await queue.addGroup?.('new', { hold })
      await queue.addGroup?.('new', { hold })
      if (holds === 'told')
        await assert.rejects(async () => queue.addGroup?.('new', { hold: false }), { code: 'CONFLICT' })
      if (holds === 'none')
        await assert.rejects(async () => queue.addGroup?.('kept', { hold: true }), { code: 'USAGE' })
      await queue.publish(numbered(2, 4))
      const expected = beginsLate ? ['2', '3'] : ['0', '1', '2', '3']
      assert.deepEqual((await take(queue, expected.length, 'new')).map(text), expected)
    },
    ['addGroup'],
  )

  promise(
    'forgets a group, but not storage and none whose reader is at work',
    async ({ queue, reopen, hold }) => {
      await queue.addGroup?.('gone', { hold: false })
      assert.equal(await queue.removeGroup?.('gone'), true)
      assert.equal(await queue.removeGroup?.('gone'), false)
      await assert.rejects(async () => queue.removeGroup?.('storage'), { code: 'USAGE' })
      await queue.publish(numbered(0, 2))
      const reader = await reopen()
      await hold(reader, 1)
      if (seesReaders) await assert.rejects(async () => queue.removeGroup?.('g'), { code: 'CONFLICT' })
      await reader[Symbol.asyncDispose]()
      assert.equal(await queue.removeGroup?.('g'), true)
      assert.deepEqual(
        (await queue.groups?.())?.map(({ group }) => group),
        ['storage'],
      )
    },
    ['groups', 'addGroup', 'removeGroup'],
  )

  promise(
    'shows one group alone what is published to it, beside what all see',
    async ({ queue, reopen, take }) => {
      if (beginsLate) await queue.addGroup?.('one', { hold: false })
      await queue.publish(numbered(0, 2))
      await queue.addGroup?.('one', { hold: false })
      const other = await reopen()
      await other.publishTo?.('one', numbered(2, 4))
      await waits(queue, { one: 4, storage: 2 })
      assert.deepEqual((await take(queue, 4, 'one')).map(text).toSorted(), ['0', '1', '2', '3'])
      assert.deepEqual((await take(queue, 2, 'g')).map(text), ['0', '1'])
      await waits(queue, { one: 0 })
      await assert.rejects(async () => queue.publishTo?.('unheard-of', numbered(0, 1)), { code: 'NOT_FOUND' })
    },
    ['addGroup', 'publishTo'],
  )

  promise(
    'reaches a reader that waits with what is published to its group alone',
    async ({ queue, take }) => {
      await queue.addGroup?.('one', { hold: false })
      const taking = take(queue, 2, 'one')
      await queue.publishTo?.('one', numbered(0, 2))
      assert.deepEqual((await taking).map(text), ['0', '1'])
    },
    ['addGroup', 'publishTo'],
  )

  promise(
    'forgets with a group what was published to it alone',
    async ({ queue, take }) => {
      await queue.addGroup?.('one', { hold: false })
      await queue.publishTo?.('one', numbered(0, 3))
      await queue.removeGroup?.('one')
      await queue.addGroup?.('one', { hold: false })
      await waits(queue, { one: 0 })
      await queue.publishTo?.('one', numbered(3, 4))
      assert.deepEqual((await take(queue, 1, 'one')).map(text), ['3'])
    },
    ['addGroup', 'removeGroup', 'publishTo'],
  )
}

/** So much waits for these groups, as far as the queue can tell. */
async function waits(queue: Queue, expected: Readonly<Record<string, number>>): Promise<void> {
  for (const [group, count] of Object.entries(expected))
    if (queue.backlog) assert.equal(await queue.backlog(group), count, group)
}
