import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Outcome } from '../../../src/batch.ts'
import { TransientError } from '../../../src/errors.ts'
import { loadPreset } from '../../../src/presets/index.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import type { Rules } from '../../../src/review/interpret.ts'
import { createRepair } from '../../../src/review/repair.ts'
import type { Queue } from '../../../src/queues/queue.ts'
import { ingest } from '../../../src/services/ingestion.ts'
import { countsOf, createLedger } from '../../../src/services/ledger.ts'
import { createDeadLetterLimit } from '../../../src/services/dead-letter-limit.ts'
import { createOrigins } from '../../../src/services/origins.ts'
import { keepOversize, type Oversize } from '../../../src/services/oversize.ts'
import file from '../../../src/sources/file/index.ts'
import type { Source, SourceContext } from '../../../src/sources/source.ts'
import { review } from '../../support/reviews.ts'
import { silent } from '../../support/queue-context.ts'
import { noSuppression, openPlace, type Place, storeAll } from '../../support/services.ts'
import { all } from '../../support/store-reads.ts'
import { temporaryFolder } from '../../support/temp.ts'

const never = new AbortController().signal
const rules = compileRules(await loadPreset('canonical'))

/** A file of these lines as a source, whose acknowledgements are told. */
async function sourceOf(
  folder: string,
  lines: readonly string[],
  { registry }: Place,
  onAck: () => void,
): Promise<Source> {
  const path = join(folder, 'reviews.ndjson')
  await writeFile(path, `${lines.join('\n')}\n`)
  const context: Partial<SourceContext> = {
    name: 'shop',
    origin: 'shop',
    run: 'run-1',
    logger: silent,
    signal: never,
    clock: Date.now,
    split: (raw) => [{ raw }],
    registry,
  }
  const source = await file.open(file.config.parse({ files: [path] }), context as SourceContext)
  return {
    ...source,
    async *read(options) {
      for await (const batch of source.read(options)) {
        yield {
          items: batch.items,
          ack(outcomes) {
            onAck()
            return batch.ack(outcomes)
          },
        }
      }
    },
  }
}

const stars = createRepair({ pointer: '/rating', keyword: 'type' }, [{ parse: 'rating', as: 'stars' }])
const mending = compileRules(await loadPreset('canonical'), { repairs: [stars] })

interface Queues {
  readonly reviews?: Queue
  readonly deadLetters?: Queue
}

async function ingestAll(
  source: Source,
  place: Place,
  queues: Queues = {},
  rulesNow: () => Rules = () => rules,
  kept: Partial<Pick<Oversize, 'limit' | 'suppression'>> = {},
): Promise<Outcome[]> {
  await using reading = source
  let seq = 0
  const outcomes: Outcome[] = []
  const oversize = {
    store: place.store,
    ledger: createLedger(place.registry, 'run-1.oversize'),
    origins: createOrigins(place.registry),
    suppression: noSuppression,
    limit: createDeadLetterLimit(place.store, Infinity),
    ...kept,
  }
  await ingest(
    {
      source: reading,
      rules: rulesNow,
      reviews: queues.reviews ?? place.queue,
      deadLetters: queues.deadLetters ?? place.deadLetters,
      seen: { has: () => false, add: () => {} },
      suppression: oversize.suppression,
      number: () => ({ run: 'run-1', seq: seq++ }),
      keepOversize: (records, signal) => keepOversize(records, oversize, signal),
      onSafe: (safe) => void outcomes.push(...safe),
    },
    never,
    never,
  )
  return outcomes
}

/** Fails so often before it publishes for real. */
function failing(queue: Queue, times: number, onTry: (failed: boolean) => void): Queue {
  let left = times
  return {
    ...queue,
    async publish(messages, options) {
      const isFailing = left-- > 0
      onTry(isFailing)
      if (isFailing) throw new TransientError('QUEUE_FULL', 'not now')
      return queue.publish(messages, options)
    },
  }
}

async function published(queue: Queue): Promise<string[]> {
  const total = (await queue.backlog?.('storage')) ?? 0
  const bodies: string[] = []
  for await (const { items } of queue.read({ signal: AbortSignal.timeout(10_000) })) {
    bodies.push(...items.map(({ body }) => body.toString()))
    if (bodies.length >= total) break
  }
  return bodies
}

const codeOf = (outcome: Outcome): string => (typeof outcome === 'object' ? outcome.code : outcome)

describe('ingestion', () => {
  test('acknowledges nothing before the queue has it, and keeps the order when that takes three attempts', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const events: string[] = []
    const lines = Array.from({ length: 300 }, (_, n) => review(`R${n}`, { review_text: `number ${n}` }))
    const source = await sourceOf(folder.path, lines, place, () => events.push('ack'))
    const reviews = failing(place.queue, 2, (failed) => events.push(failed ? 'failed' : 'published'))
    const outcomes = await ingestAll(source, place, { reviews })

    assert.deepEqual(events.slice(0, 4), ['failed', 'failed', 'published', 'ack'])
    assert.deepEqual(new Set(outcomes), new Set(['accepted']))
    const bodies = await published(place.queue)
    assert.deepEqual(
      bodies.map((body) => /"review_text":"number (\d+)"/.exec(body)?.[1]),
      lines.map((_, n) => String(n)),
    )
  })

  test('publishes the reviews of a batch once, although its dead letters take three attempts', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const lines = [review('R1'), review('R2', { rating: 6 }), review('R3')]
    const source = await sourceOf(folder.path, lines, place, () => {})
    await ingestAll(source, place, { deadLetters: failing(place.deadLetters, 2, () => {}) })

    const bodies = [...(await published(place.queue)), ...(await published(place.deadLetters))]
    const numbers = bodies.map((body) => /"ledgerseq":"(\d+)"/.exec(body)?.[1])
    assert.equal(numbers.length, 3)
    assert.deepEqual(new Set(numbers), new Set(['0', '1', '2']))
  })

  test('judges by the rules of now, and a batch that is tried again by those that it began with', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    let now = rules
    const deadLetters = failing(place.deadLetters, 1, () => (now = mending))
    const lines = ['R1', 'R2'].map((id) => review(id, { rating: '4.0 out of 5 stars' }))
    const first = await sourceOf(folder.path, lines.slice(0, 1), place, () => {})
    const [before] = await ingestAll(first, place, { deadLetters }, () => now)
    assert.ok(typeof before === 'object' && before.code === 'invalid_rating')
    const second = await sourceOf(folder.path, lines, place, () => {})
    assert.deepEqual(await ingestAll(second, place, { deadLetters }, () => now), ['accepted'])
  })

  test('keeps what is too large for the queue as a dead letter in the store, and counts it', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path, '64KiB')
    const large = review('LARGE', { note: 'x'.repeat(100_000) })
    const lines = [review('R1'), large, review('R2')]
    const outcomes = await ingestAll(await sourceOf(folder.path, lines, place, () => {}), place)
    await storeAll(place)

    assert.deepEqual(
      outcomes.map(codeOf),
      ['accepted', 'message_too_large', 'accepted'],
      'and its source is told so',
    )
    const rows = await all(place.store, { by: 'time' })
    assert.equal(rows.length, 3)
    const dead = rows.filter(({ verdict }) => verdict.status === 'rejected')
    assert.deepEqual(
      dead.map(({ verdict }) => verdict.status === 'rejected' && verdict.code),
      ['message_too_large'],
    )
    assert.equal(dead[0]?.received.raw.toString(), large)
    assert.deepEqual(await countsOf(place.registry, 'run-1'), { stored: 2, rejected: 1, unchanged: 0 })
  })

  test('keeps nothing of what is too large for the queue once its review was erased, before or behind the write of it', async () => {
    for (const isWritten of [false, true]) {
      await using folder = await temporaryFolder()
      await using place = await openPlace(folder.path, '64KiB')
      let isErased = false
      const erase = (): void => void (isErased = true)
      const limit = {
        ...createDeadLetterLimit(place.store, Infinity),
        async makeSure() {
          if (isErased || isWritten) return
          erase()
          throw new TransientError('DEAD_LETTERS_FULL', 'no room yet', { retryAfterMs: 0 })
        },
      }
      const suppression = {
        has: () => isErased,
        async among(keys: readonly string[]) {
          erase()
          return new Set(keys)
        },
      }
      const lines = [review('LARGE', { note: 'x'.repeat(100_000) })]
      const source = await sourceOf(folder.path, lines, place, () => {})
      const outcomes = await ingestAll(source, place, {}, () => rules, { limit, suppression })

      assert.deepEqual(outcomes.map(codeOf), ['message_too_large'])
      assert.deepEqual(await all(place.store, { by: 'time' }), [])
      assert.deepEqual(await countsOf(place.registry, 'run-1'), { stored: 0, rejected: 0, unchanged: 1 })
    }
  })

  test('makes no event of what is larger than any message, which could be longer than any text', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path, '64KiB')
    const published: number[] = []
    const counting = (queue: Queue): Queue => ({
      ...queue,
      publish(messages, options) {
        published.push(...messages.map(({ body }) => body.length))
        return queue.publish(messages, options)
      },
    })
    const lines = [
      'x'.repeat(70_000),
      review('R1'),
      review('R2', { title: 'x'.repeat(70_000) }),
      review('R1'),
    ]
    const outcomes = await ingestAll(await sourceOf(folder.path, lines, place, () => {}), place, {
      reviews: counting(place.queue),
      deadLetters: counting(place.deadLetters),
    })
    await storeAll(place)
    assert.deepEqual(outcomes.map(codeOf), ['message_too_large', 'accepted', 'message_too_large', 'accepted'])
    assert.equal(published.length, 2)
    const rows = await all(place.store, { by: 'time' })
    assert.deepEqual(new Set(rows.map(({ received }) => received.raw.toString())), new Set(lines))
    assert.deepEqual(await countsOf(place.registry, 'run-1'), { stored: 1, rejected: 2, unchanged: 1 })
  })
})
