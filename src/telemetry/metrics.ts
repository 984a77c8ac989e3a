import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { DRIFTS } from './drift/compare.ts'
import { SOURCE_STATES } from './health.ts'
import { createPollingMetrics } from './polling.ts'
import type { Vitals } from './vitals.ts'

/** What this process counts. Labels are sources, topics and stages: never a product, a review or a person. */
export interface Metrics extends Record<ReviewCount, (source: string, count: number) => void> {
  /** Makes a source known: all its counts are there at 0, so that its first review is a rise. */
  source(name: string): void
  /** What a source handed over since it was made known. */
  flow(source: string): Flow
  /** What became of what came from a source since it was made known. */
  counts(source: string): Readonly<Record<ReviewCount, number>>
  /** Shows what nobody counts as it happens. */
  observe(vitals: Vitals): void
  /** From received to stored, of the oldest item of a batch. */
  freshness(source: string, seconds: number): void
  /** Of the last batches of all sources; undefined before the first. */
  recentFreshness(): { readonly p50Ms: number; readonly p95Ms: number } | undefined
  /** How long one batch took to be durable and acknowledged, retries included, and how many items it had. */
  batch(stage: Stage, seconds: number, items: number): void
  /** Another try after a transient failure. */
  retry(stage: Stage, code: string): void
  /** Everything in the text format of `contentType`. */
  text(): Promise<string>
  readonly contentType: string
}

export interface Flow {
  readonly received: number
  readonly rejected: number
  /** For how long it has handed nothing over; at first, since it was made known, and after a pause, since it goes on. */
  readonly quietMs: number
}

export type Stage = 'publish' | 'store'

export type ReviewCount = 'received' | 'published' | 'unchanged' | 'rejected' | 'stored'

const REVIEWS: Readonly<Record<ReviewCount, string>> = {
  received: 'Items that came in.',
  published: 'Items that the queue has durably, accepted or rejected.',
  unchanged: 'Items that were known already.',
  rejected: 'Items that became dead letters.',
  stored: 'Accepted reviews newly written to the store.',
}

/** Counters of its own, in a registry of its own; two in one process don't meet. `steady` measures durations. */
export function createMetrics(steady = (): number => performance.now()): Metrics {
  const registry = new Registry()
  const registers = [registry]
  // With the delay of the event loop, as nodejs_eventloop_lag_…_seconds.
  collectDefaultMetrics({ register: registry })
  const observe = createGauges(registry)
  const polls = createPollingMetrics(registry)

  const freshness = new Histogram({
    name: 'headwater_freshness_seconds',
    help: 'From received to stored, of the oldest item of each batch.',
    labelNames: ['source'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600, 86_400],
    registers,
  })
  const batches = new Histogram({
    name: 'headwater_batch_duration_seconds',
    help: 'How long one batch took to be durable and acknowledged, retries included.',
    labelNames: ['stage'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  })
  const items = new Counter({
    name: 'headwater_batch_items_total',
    help: 'Items of these batches.',
    labelNames: ['stage'],
    registers,
  })
  const retries = new Counter({
    name: 'headwater_retries_total',
    help: 'Further tries after a transient failure.',
    labelNames: ['stage', 'code'],
    registers,
  })
  const freshnessOf = once((source) => freshness.labels(source))
  const stages = once((stage) => ({ duration: batches.labels(stage), items: items.labels(stage) }))

  const countsOf = once(() => ({ received: 0, published: 0, unchanged: 0, rejected: 0, stored: 0 }))
  const counting = (name: ReviewCount) => {
    const count = countReviews(name, registry)
    return (source: string, more: number): void => {
      count(source, more)
      countsOf(source)[name] += more
    }
  }
  const reviews = {
    received: counting('received'),
    published: counting('published'),
    unchanged: counting('unchanged'),
    rejected: counting('rejected'),
    stored: counting('stored'),
  }
  const recent = keepRecent()
  const flowOf = once(() => ({ received: 0, rejected: 0, lastReceived: steady() }))

  return {
    ...reviews,
    received(source, count) {
      reviews.received(source, count)
      const flow = flowOf(source)
      flow.received += count
      if (count > 0) flow.lastReceived = steady()
    },
    rejected(source, count) {
      reviews.rejected(source, count)
      flowOf(source).rejected += count
    },
    source(name) {
      for (const count of Object.values(reviews)) count(name, 0)
      flowOf(name)
    },
    flow(source) {
      const { lastReceived, ...flow } = flowOf(source)
      return { ...flow, quietMs: steady() - lastReceived }
    },
    counts: (source) => ({ ...countsOf(source) }),
    observe(vitals) {
      observe(vitals)
      for (const { name, polling } of vitals.sources) if (polling) polls.observe(name, polling)
    },
    freshness(source, seconds) {
      freshnessOf(source).observe(seconds)
      recent.add(seconds * 1000)
    },
    recentFreshness() {
      const [p50Ms, p95Ms] = recent.within([0.5, 0.95])
      return p50Ms === undefined || p95Ms === undefined ? undefined : { p50Ms, p95Ms }
    },
    batch(stage, seconds, count) {
      stages(stage).duration.observe(seconds)
      stages(stage).items.inc(count)
    },
    retry: (stage, code) => retries.inc({ stage, code }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

/** What is looked at and not counted. A figure that can't be told is NaN or missing, which no rule takes for an emergency. */
function createGauges(registry: Registry): (vitals: Vitals) => void {
  function gauge<Label extends string>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name: `headwater_${name}`, help, labelNames, registers: [registry] })
  }
  const backlog = gauge(
    'queue_backlog_messages',
    'Messages that the storage service has not yet acknowledged.',
    'topic',
  )
  const oldestAge = gauge(
    'queue_oldest_age_seconds',
    'How long the oldest message has waited that the storage service has not yet acknowledged; 0 where none waits.',
    'topic',
  )
  const state = gauge('source_state', '1 for the state that the source is in.', 'source', 'state')
  const lastReceived = gauge(
    'source_last_received_timestamp_seconds',
    'When the source handed something over last; at first, when it was started, and after a pause, when it went on.',
    'source',
  )
  const drifted = gauge(
    'source_drifted_fields',
    'Fields of what the source sends that are not what they were, by how they differ.',
    'source',
    'kind',
  )
  const free = gauge('disk_free_bytes', 'What may still be written to the disk of the data folder.')
  const size = gauge('disk_size_bytes', 'The size of the disk of the data folder.')
  const data = gauge('data_folder_bytes', 'What the data folder takes of its disk.')
  const dead = gauge(
    'dead_letter_bytes',
    'Bytes of raw of all dead letters in the store, also of those that were discarded.',
  )
  const deadLimit = gauge('dead_letter_limit_bytes', 'How many these may be.')
  const ready = gauge('ready', '1 if everything that is required answers.')
  const live = gauge('live', '1 if every loop turns.')

  return function observe({ at, sources, topics, disk, deadLetters, unready, stuck }) {
    for (const { topic, backlog: messages, oldestAgeMs } of topics) {
      if (messages !== undefined) backlog.set({ topic }, messages)
      if (oldestAgeMs !== undefined) oldestAge.set({ topic }, oldestAgeMs / 1000)
    }
    for (const { name: source, state: current, quietMs, drifted: fields = [] } of sources) {
      for (const one of SOURCE_STATES) state.set({ source, state: one }, one === current ? 1 : 0)
      lastReceived.set({ source }, Math.round((at - quietMs) / 1000))
      for (const kind of DRIFTS)
        drifted.set({ source, kind }, fields.filter((one) => one.kind === kind).length)
    }
    free.set(disk?.freeBytes ?? Number.NaN)
    size.set(disk?.sizeBytes ?? Number.NaN)
    data.set(disk?.dataBytes ?? Number.NaN)
    dead.set(deadLetters?.bytes ?? Number.NaN)
    deadLimit.set(deadLetters?.maxBytes ?? Number.NaN)
    ready.set(unready.length === 0 ? 1 : 0)
    live.set(stuck.length === 0 ? 1 : 0)
  }
}

function countReviews(name: ReviewCount, registry: Registry): (source: string, count: number) => void {
  const counter = new Counter({
    name: `headwater_reviews_${name}_total`,
    help: REVIEWS[name],
    labelNames: ['source'],
    registers: [registry],
  })
  const bound = once((source) => counter.labels(source))
  return (source, count) => bound(source).inc(count)
}

const RECENT = 256

/** The last so many figures. */
function keepRecent() {
  const kept: number[] = []
  let next = 0
  return {
    add(figure: number): void {
      kept[next] = figure
      next = (next + 1) % RECENT
    },
    /** What these shares of them are within. */
    within(shares: readonly number[]): readonly (number | undefined)[] {
      const sorted = kept.toSorted((a, b) => a - b)
      return shares.map((share) => sorted[Math.ceil(share * sorted.length) - 1])
    },
  }
}

/** Label sets are looked up on the hot path: bind each once. */
function once<T>(bind: (label: string) => T): (label: string) => T {
  const bound = new Map<string, T>()
  return (label) => {
    const known = bound.get(label)
    if (known !== undefined) return known
    const made = bind(label)
    bound.set(label, made)
    return made
  }
}
