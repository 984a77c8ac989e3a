import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import embedded from '../../src/queues/embedded/index.ts'
import { LEASE_MS } from '../../src/queues/embedded/lease.ts'
import type { Message, Queue } from '../../src/queues/queue.ts'
import { numberedMessage, numberOf } from '../support/log-writer.ts'
import { queueContext } from '../support/queue-context.ts'
import { temporaryFolder } from '../support/temp.ts'

const program = join(import.meta.dirname, '../support/log-writer.ts')
const MARGIN_MS = 4_000

test('keeps every promised message, in order, when its writers are killed', async (t) => {
  await using folder = await temporaryFolder()
  const promised: number[] = []
  const counts = Array.from({ length: 4 }, () => [lines(), lines()])
  t.diagnostic(`killed after ${JSON.stringify(counts)} promises`)
  for (const [round, [first = 0, second = 0]] of counts.entries()) {
    await using one = start('write', folder.path, (2 * round + 1) * 1e6)
    await using two = start('write', folder.path, (2 * round + 2) * 1e6)
    await one.printed(first)
    await one.kill()
    await two.printed(two.lines.length + second)
    await two.kill()
    promised.push(...[...one.lines, ...two.lines].map(Number))
  }

  await using queue = await open(folder.path)
  const kept = await readAll(queue)
  const numbers = kept.map(numberOf)
  assert.deepEqual(
    promised.filter((n) => !new Set(numbers).has(n)),
    [],
  )
  assert.equal(new Set(numbers).size, numbers.length)
  for (const message of kept) assert.deepEqual(message, numberedMessage(numberOf(message)))
  for (const [key, mine] of Map.groupBy(kept, (message) => message.key)) {
    const order = mine.map(numberOf)
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      key,
    )
  }
})

test('takes over from a reader that was killed, within its lease', async () => {
  await using folder = await temporaryFolder()
  await using queue = await open(folder.path)
  const sent = Array.from({ length: 100 }, (_, n) => n)
  await queue.publish(sent.map(numberedMessage))
  await using reader = start('hold', folder.path)
  await reader.printed(sent.length)
  await reader.kill()

  const killedAt = performance.now()
  const taken = await take(queue, sent.length)
  const waitedMs = performance.now() - killedAt
  assert.deepEqual(
    taken.toSorted((a, b) => a - b),
    sent,
  )
  assert.ok(waitedMs < LEASE_MS + MARGIN_MS, `expected at most ${LEASE_MS + MARGIN_MS} ms, took ${waitedMs}`)
})

test('shares with a reader of another process, and takes all once that is killed', async () => {
  await using folder = await temporaryFolder()
  await using queue = await open(folder.path)
  await using other = start('read', folder.path)
  let sent = 0
  const publishUntil = async (holds: () => boolean) => {
    while (!holds()) await queue.publish([numberedMessage(sent++)])
  }
  await publishUntil(() => other.lines.length > 0)

  const stop = new AbortController()
  const mine = new Set<number>()
  const isComplete = () => new Set([...mine, ...other.lines.map(Number)]).size === sent
  const reading = (async () => {
    for await (const batch of queue.read({ group: 'g', signal: stop.signal })) {
      for (const message of batch.items) mine.add(numberOf(message))
      await batch.ack()
      if (other.ended && isComplete()) stop.abort()
    }
  })()
  await publishUntil(() => mine.size > 0)
  await other.kill()
  await queue.publish(Array.from({ length: 64 }, () => numberedMessage(sent++)))
  await reading
  assert.equal(await queue.backlog?.('g'), 0)
})

test('refuses for now what a full disk cannot take, and keeps what it promised', async () => {
  await using folder = await temporaryFolder()
  await using writer = start('fill', folder.path, 1e6, 'ulimit -f 8192')
  const code = await writer.exited
  assert.equal(code, 0, writer.errors)
  const [codes, promised] = [writer.lines.filter(isCode), writer.lines.filter((line) => !isCode(line))]
  assert.deepEqual(codes, ['DISK_FULL', 'DISK_FULL'])
  assert.ok(promised.length > 0)

  await using queue = await open(folder.path)
  const kept = await readAll(queue)
  assert.deepEqual(
    kept.map(numberOf).toSorted((a, b) => a - b),
    promised.map(Number),
  )
  await queue.publish([numberedMessage(5)])
  assert.equal((await readAll(queue)).length, kept.length + 1)
})

const isCode = (line: string): boolean => /^\D/.test(line)

const lines = (): number => 20 + Math.floor(Math.random() * 1_000)

function open(dataDir: string): Promise<Queue> {
  return embedded.open(embedded.config.parse({}), queueContext(dataDir, 'numbers'))
}

/** Everything that is kept, as a reader without a group sees it. */
async function readAll(queue: Queue): Promise<Message[]> {
  const total = (await queue.backlog?.('unheard-of')) ?? 0
  const messages: Message[] = []
  for await (const { items } of queue.read({ signal: AbortSignal.timeout(30_000) })) {
    messages.push(...items)
    if (messages.length >= total) break
  }
  return messages
}

async function take(queue: Queue, count: number): Promise<number[]> {
  const taken: number[] = []
  for await (const batch of queue.read({ group: 'g', signal: AbortSignal.timeout(30_000) })) {
    taken.push(...batch.items.map(numberOf))
    await batch.ack()
    if (taken.length >= count) break
  }
  return taken
}

interface Child extends AsyncDisposable {
  readonly lines: string[]
  readonly errors: string
  readonly exited: Promise<number | null>
  readonly ended: boolean
  /** Resolves when so many lines were printed; rejects when it ends before. */
  printed(count: number): Promise<void>
  /** As `kill -9` does. */
  kill(): Promise<void>
}

function start(mode: string, dir: string, from = 0, first = ':'): Child {
  const argv = ['-c', `${first}; exec "$@"`, 'sh', process.execPath, program, mode, dir, String(from)]
  const child: ChildProcess = spawn('sh', argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  let errors = ''
  let printed = Promise.withResolvers<void>()
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text))
  if (!child.stdout) throw new Error('the child has no output')
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line)
    printed.resolve()
    printed = Promise.withResolvers()
  })
  let ended = false
  const exited = once(child, 'close').then(([code]) => {
    ended = true
    return code as number | null
  })

  async function kill(): Promise<void> {
    child.kill('SIGKILL')
    await exited
  }

  return {
    lines,
    get errors() {
      return errors
    },
    exited,
    get ended() {
      return ended
    },
    async printed(count) {
      while (lines.length < count) {
        await Promise.race([printed.promise, exited])
        if (ended && lines.length < count)
          throw new Error(`the child ended before it printed enough: ${errors}`)
      }
    },
    kill,
    [Symbol.asyncDispose]: kill,
  }
}
