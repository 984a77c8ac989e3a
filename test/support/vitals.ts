import { alertsFields } from '../../src/config/alerts.ts'
import type { RuleSettings } from '../../src/telemetry/alerts/rules.ts'
import type { Polling } from '../../src/sources/source.ts'
import type { SourceVitals, Vitals } from '../../src/telemetry/vitals.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

/** The rules as they are where nobody has set anything. */
export const DEFAULTS: RuleSettings = alertsFields.parse({}).rules

/** A process in which all is well, at some minute after its start, but for what is planted. */
export function vitals(minute: number, planted: Partial<Vitals> = {}): Vitals {
  return {
    at: Date.parse('2026-01-01T00:00:00Z') + minute * MINUTE,
    steadyMs: minute * MINUTE,
    sources: [source('shop')],
    topics: [
      { topic: 'raw-reviews', backlog: 3, oldestAgeMs: 200 },
      { topic: 'dead-letter-queue', backlog: 0, oldestAgeMs: 0 },
    ],
    disk: { freeBytes: 60e9, sizeBytes: 100e9, dataBytes: 2e9 },
    deadLetters: { bytes: 2e9, maxBytes: 10e9 },
    unready: [],
    stuck: [],
    ...planted,
  }
}

/** A source that polls, and can tell everything of that. */
export const POLLING: Polling = {
  calls: 40,
  fresh: 10,
  products: 3,
  held: 2,
  told: 100,
  fetched: 30,
  missing: 70,
  stalenessMs: { p50: 5_000, p95: 90_000 },
  discoveryMs: { p50: 60_000, p95: 120_000 },
}

/** A source that is well, but for what is planted. */
export function source(name: string, planted: Partial<SourceVitals> = {}): SourceVitals {
  return { name, state: 'running', received: 0, rejected: 0, quietMs: 0, ...planted }
}
