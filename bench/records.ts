import { readArrival } from '../src/arrival.ts'
import { encodeEvent, subjectOf } from '../src/event.ts'
import { loadPreset } from '../src/presets/index.ts'
import { compileRules } from '../src/presets/rules.ts'
import { judge } from '../src/review/interpret.ts'
import type { Message } from '../src/queues/queue.ts'
import type { Arrival } from '../src/review/record.ts'
import { reviewAt } from './reviews.ts'

const rules = compileRules(await loadPreset('canonical'))
const RECEIVED_AT = Date.parse('2026-01-01T00:00:00Z')

/** The messages that ingestion makes of the invented reviews from `first` on. */
export function messagesFrom(first: number, count: number): Message[] {
  return Array.from({ length: count }, (_, n) => {
    const context = { source: 'bench', kind: 'webhook', from: '/hooks/bench', position: n + 1 }
    const received = {
      origin: 'bench',
      receivedAt: RECEIVED_AT + first + n,
      raw: reviewAt(first + n),
      context,
    }
    const record = judge(received, rules)
    return { key: subjectOf(record), body: encodeEvent(record, { run: 'bench', seq: first + n }) }
  })
}

/** What storage reads out of such messages. */
export function arrivalsFrom(first: number, count: number): Arrival[] {
  return messagesFrom(first, count).map(({ body }) => readArrival(body))
}
