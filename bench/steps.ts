import { readArrival } from '../src/arrival.ts'
import { encodeEvent } from '../src/event.ts'
import { slices } from '../src/lib/json-slices.ts'
import { loadPreset } from '../src/presets/index.ts'
import { compileRules } from '../src/presets/rules.ts'
import { decodeBlock, encodeBlocks } from '../src/queues/embedded/block.ts'
import { judge } from '../src/review/interpret.ts'
import { REVIEW } from '../src/review/validate.ts'
import { encodeBlocks as compressRows } from '../src/stores/embedded/block.ts'
import { encodeRows } from '../src/stores/embedded/row.ts'
import type { Question, Row } from './question.ts'
import { linesFrom } from './reviews.ts'

const COUNT = 10_000
const BATCH = 1_000
const ROUNDS = 5
const RECEIVED_AT = Date.parse('2026-01-01T00:00:00Z')

/** One step after the other over the same reviews, in this process, with nothing written anywhere. */
export const steps: Question = {
  name: 'steps',
  asks: 'What does each step cost by itself, without disk and network?',
  async ask() {
    const rules = compileRules(await loadPreset('canonical'))
    const body = linesFrom(0, COUNT)
    const context = { source: 'bench', kind: 'webhook', from: '/hooks/bench' }
    const steps = new Map<string, number>()

    function timed<T>(name: string, work: () => T): T {
      const before = process.cpuUsage()
      const result = work()
      const { user, system } = process.cpuUsage(before)
      const best = steps.get(name) ?? Number.POSITIVE_INFINITY
      steps.set(name, Math.min(best, (user + system) / COUNT))
      return result
    }

    for (let round = 0; round < ROUNDS; round++) {
      const items = timed('cut lines', () => [...slices(body, 'ndjson')])
      const received = items.map(({ raw, position }) => {
        return { origin: 'bench', receivedAt: RECEIVED_AT, raw, context: { ...context, position } }
      })
      timed('parse and validate alone', () => received.filter(({ raw }) => isWellMade(raw)))
      const records = timed('judge', () => received.map((item) => judge(item, rules)))
      const bodies = timed('encode the event', () => {
        return records.map((record, seq) => encodeEvent(record, { run: 'bench', seq }))
      })
      const messages = bodies.map((bytes) => ({ key: 'B000000001', body: bytes }))
      const blocks = timed('pack for the queue', () =>
        batches(messages).flatMap((some) => encodeBlocks(some, 4)),
      )
      const taken = timed('unpack', () =>
        blocks.flatMap(({ bytes, count }) => decodeBlock(bytes, count) ?? []),
      )
      const decoded = timed('decode the event', () => taken.map((message) => readArrival(message.body)))
      const rows = timed('lay out the row', () => encodeRows(decoded, RECEIVED_AT))
      const before = process.cpuUsage()
      for (const some of batches(rows)) await compressRows(some)
      const { user, system } = process.cpuUsage(before)
      steps.set('compress the rows', (user + system) / COUNT)
    }
    return Array.from(steps, ([of, cpuMicros]): Row => ({ of, figures: { 'CPU µs per review': cpuMicros } }))
  },
}

function batches<T>(items: readonly T[]): (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / BATCH) }, (_, n) =>
    items.slice(n * BATCH, (n + 1) * BATCH),
  )
}

function isWellMade(raw: Buffer): boolean {
  try {
    return REVIEW.isValid(JSON.parse(raw.toString()) as object)
  } catch {
    return false
  }
}
