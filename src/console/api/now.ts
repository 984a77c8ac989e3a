import { monitorEventLoopDelay } from 'node:perf_hooks'
import { z } from 'zod'
import { route, type Route } from '../route.ts'
import type { ApiParts } from './parts.ts'
import { moment } from './words.ts'

const alert = z.object({
  name: z.string().meta({ description: 'The rule, as in docs/alerts.md.' }),
  severity: z.enum(['critical', 'warning']),
  since: moment,
  summary: z.string(),
  todo: z.string().meta({ description: 'What to do about it.' }),
  source: z.string().optional(),
})

const count = z.int().min(0)

const flow = z
  .object({
    name: z.string(),
    type: z.string(),
    state: z.string(),
    problem: z.string().optional(),
    received: count,
    published: count,
    unchanged: count,
    rejected: count,
    stored: count.optional().meta({ description: 'Where this process is the one that stores.' }),
    lastAt: moment.optional().meta({ description: 'When it handed something over last.' }),
    paused: z.boolean(),
  })
  .meta({ description: 'What a source did since this process started.' })

const now = z.object({
  at: moment,
  ready: z.object({ ok: z.boolean(), problems: z.array(z.string()) }),
  alerts: z.array(alert),
  sources: z.array(flow),
  topics: z.array(
    z.object({ name: z.string(), backlog: count.optional(), oldestAgeMs: z.number().optional() }),
  ),
  freshness: z
    .object({ p50Ms: z.number(), p95Ms: z.number() })
    .optional()
    .meta({ description: 'From received to stored, of the batches that this process stored last.' }),
  deadLetters: z.object({ bytes: count.optional(), maxBytes: count }),
  disk: z.object({ freeBytes: z.number(), totalBytes: z.number() }).optional(),
  eventLoopMs: z.number().meta({ description: 'How late this process was at times, 99 % of the time.' }),
})

export type Now = z.output<typeof now>
export type Alert = Now['alerts'][number]
export type SourceFlow = Now['sources'][number]

export function nowRoutes(look: () => Promise<Now>): readonly Route[] {
  return [route({ path: '/api/now', summary: 'How it goes now', answer: now, handle: look })]
}

/** Looks at everything that is to be told. Dispose of it to stop measuring. */
export function createNow(parts: ApiParts): (() => Promise<Now>) & Disposable {
  const { config, look, alerts, metrics, health, control } = parts
  const late = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  late.enable()

  async function tell(): Promise<Now> {
    const vitals = await look()
    const names = new Set(config.sources.map(({ name }) => name))
    const { disk, deadLetters } = vitals
    const problems = [...vitals.unready, ...vitals.stuck.map((loop) => `${loop} does not turn`)]
    const freshness = metrics.recentFreshness()
    return {
      at: new Date(vitals.at).toISOString(),
      ready: { ok: problems.length === 0, problems },
      alerts: alerts.firing().map(({ rule, severity, since, summary, advice, subject }) => ({
        name: rule,
        severity,
        since: new Date(since).toISOString(),
        summary,
        todo: advice,
        ...(names.has(subject) && { source: subject }),
      })),
      sources: health.sources().map(({ name, type, state, detail }) => {
        const { quietMs } = metrics.flow(name)
        const counts = metrics.counts(name)
        const lastAt = new Date(vitals.at - quietMs).toISOString()
        const { paused } = control.stateOf(name)
        return {
          name,
          type,
          state,
          ...(detail !== undefined && { problem: detail }),
          ...counts,
          ...(counts.received > 0 && { lastAt }),
          paused,
        }
      }),
      topics: vitals.topics.map(({ topic, backlog, oldestAgeMs }) => ({ name: topic, backlog, oldestAgeMs })),
      ...(freshness && { freshness }),
      deadLetters: { bytes: deadLetters?.bytes, maxBytes: config.deadLetters.maxBytes },
      ...(disk && { disk: { freeBytes: disk.freeBytes, totalBytes: disk.sizeBytes } }),
      eventLoopMs: lateness(late),
    }
  }
  return Object.assign(tell, { [Symbol.dispose]: () => void late.disable() })
}

const RESOLUTION_MS = 20

/** Of the time since it was asked last, in milliseconds. */
function lateness(late: ReturnType<typeof monitorEventLoopDelay>): number {
  const nanoseconds = late.count > 0 ? late.percentile(99) : 0
  late.reset()
  return Math.max(0, Math.round(nanoseconds / 1e4 - RESOLUTION_MS * 100) / 100)
}
