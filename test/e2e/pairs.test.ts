import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apart, QUEUES, type Section, STORES } from '../support/backends.ts'
import { run } from '../support/cli.ts'
import { type Backends, eventually, freePort, json, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'
import { ownTopics } from '../support/topics.ts'

const COUNT = 500
const LIMIT_MS = 300_000

const queues: Readonly<Record<string, Section>> = QUEUES
const stores: Readonly<Record<string, Section>> = STORES

/** Each broker and each database once; `HEADWATER_PAIRS=all` is every queue with every store. */
const PAIRS: readonly (readonly [string, string])[] =
  process.env['HEADWATER_PAIRS'] === 'all'
    ? Object.keys(queues).flatMap((queue) => Object.keys(stores).map((store) => [queue, store] as const))
    : [
        ['kafka', 'cassandra'],
        ['rabbitmq', 'mongodb'],
        ['kinesis', 'dynamodb'],
        ['pubsub', 'embedded'],
      ]

describe('every fifth of them at fault, and killed once', () => {
  for (const [queue, store] of PAIRS) {
    test(`${COUNT} reviews by way of ${queue} into ${store} are all there, once, as they came`, {
      timeout: LIMIT_MS,
    }, async (t) => {
      const sections = [await queues[queue]?.(), await stores[store]?.()] as const
      const missing = sections.find((section) => typeof section === 'string')
      if (missing !== undefined) return t.skip(String(missing))
      const [queueSection, storeSection] = sections as readonly [object, object]
      const own = queue === 'embedded' ? {} : ownTopics()
      await through({ queue: { ...queueSection, ...own }, store: { ...storeSection, ...apart(store) } })
    })
  }
})

async function through(backends: Backends): Promise<void> {
  await using folder = await temporaryFolder()
  const { path } = folder
  await writeConfig(path, '', await freePort(), backends)
  await json(['provision'], path)
  const bodies = Array.from({ length: COUNT }, (_, n) => itemAt(n))
  const first = await startUp(path)
  try {
    await post(first.webhook, bodies.slice(0, COUNT / 2))
  } finally {
    await first.process.kill()
  }
  const second = await startUp(path)
  await using process = second.process
  // What the killed one may not have answered is sent again, as every sender does.
  await post(second.webhook, bodies.slice(COUNT / 4))
  await eventually(
    async () => {
      const { records } = await json<{ records: number }>(['audit'], path)
      return records >= COUNT ? true : undefined
    },
    `${COUNT} records`,
    LIMIT_MS / 2,
  )
  assert.equal((await process.stop()).code, 0)

  const audited = await json<{ ok: boolean; records: number }>(['audit'], path)
  assert.deepEqual([audited.ok, audited.records], [true, COUNT])
  const { stdout } = await run(['reviews', 'export', '--raw'], { cwd: path })
  assert.deepEqual(stdout.trimEnd().split('\n').toSorted(), bodies.toSorted())
  const dead = await run(['dlq', 'list', '--limit', '1000', '--json'], { cwd: path })
  assert.equal(dead.stdout.trimEnd().split('\n').length, COUNT / 5)
}

/** Every fifth lacks its user. */
const itemAt = (n: number): string =>
  review(`R${n}`, { product_id: `B${n % 16}`, ...(n % 5 === 0 && { user_id: undefined }) })

async function post(url: string, bodies: readonly string[]): Promise<void> {
  const headers = { 'content-type': 'application/x-ndjson' }
  const answer = await fetch(url, { method: 'POST', headers, body: bodies.join('\n') })
  assert.equal(answer.status, 202)
}
