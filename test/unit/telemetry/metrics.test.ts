import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Polling } from '../../../src/sources/source.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import { createCounting } from '../../../src/telemetry/tally.ts'
import { accepted } from '../../support/records.ts'
import { POLLING, source, vitals } from '../../support/vitals.ts'

test('counts by source, under names that dashboards can rely on', async () => {
  const metrics = createMetrics()
  metrics.received('shop', 3)
  metrics.received('shop', 2)
  metrics.published('shop', 5)
  metrics.unchanged('shop', 1)
  metrics.rejected('shop', 1)
  metrics.stored('shop', 3)
  metrics.source('quiet')
  metrics.freshness('shop', 0.2)
  metrics.batch('store', 0.004, 5)
  metrics.retry('publish', 'DOWN')
  metrics.observe({
    at: 5_000,
    steadyMs: 0,
    sources: [source('shop', { quietMs: 3_000, polling: POLLING })],
    topics: [{ topic: 'raw-reviews', backlog: 7, oldestAgeMs: 1_500 }, { topic: 'mute' }],
    disk: { freeBytes: 5, sizeBytes: 10, dataBytes: 3 },
    unready: [],
    stuck: ['storage raw-reviews'],
  })
  const text = await metrics.text()
  for (const line of [
    'headwater_reviews_received_total{source="shop"} 5',
    'headwater_reviews_published_total{source="shop"} 5',
    'headwater_reviews_unchanged_total{source="shop"} 1',
    'headwater_reviews_rejected_total{source="shop"} 1',
    'headwater_reviews_stored_total{source="shop"} 3',
    'headwater_queue_backlog_messages{topic="raw-reviews"} 7',
    'headwater_queue_oldest_age_seconds{topic="raw-reviews"} 1.5',
    'headwater_source_state{source="shop",state="running"} 1',
    'headwater_source_state{source="shop",state="failing"} 0',
    'headwater_source_last_received_timestamp_seconds{source="shop"} 2',
    'headwater_source_calls_total{source="shop"} 40',
    'headwater_source_new_reviews_total{source="shop"} 10',
    'headwater_source_products{source="shop"} 3',
    'headwater_source_products_held{source="shop"} 2',
    'headwater_source_reviews_told{source="shop"} 100',
    'headwater_source_reviews_fetched{source="shop"} 30',
    'headwater_source_reviews_missing{source="shop"} 70',
    'headwater_source_staleness_p50_seconds{source="shop"} 5',
    'headwater_source_staleness_p95_seconds{source="shop"} 90',
    'headwater_source_discovery_p50_seconds{source="shop"} 60',
    'headwater_source_discovery_p95_seconds{source="shop"} 120',
    'headwater_disk_free_bytes 5',
    'headwater_disk_size_bytes 10',
    'headwater_data_folder_bytes 3',
    'headwater_ready 1',
    'headwater_live 0',
    'headwater_freshness_seconds_count{source="shop"} 1',
    'headwater_batch_duration_seconds_count{stage="store"} 1',
    'headwater_batch_items_total{stage="store"} 5',
    'headwater_retries_total{stage="publish",code="DOWN"} 1',
  ]) {
    assert.ok(text.includes(line), `${line} is not in\n${text}`)
  }
  assert.doesNotMatch(text, /mute/, 'what a queue can not tell is not shown as 0')
  assert.match(text, /process_resident_memory_bytes \d/)
  assert.match(metrics.contentType, /^text\/plain/)
})

test('what a source counts by itself rises as it does, and what it can no longer tell is not shown', async () => {
  const metrics = createMetrics()
  const look = (polling: Polling) => metrics.observe(vitals(0, { sources: [source('shop', { polling })] }))
  look(POLLING)
  look({ ...POLLING, calls: 42, told: undefined, missing: undefined, stalenessMs: undefined })
  const text = await metrics.text()
  assert.match(text, /^headwater_source_calls_total\{source="shop"\} 42$/m)
  assert.doesNotMatch(text, /^headwater_source_(reviews_told|reviews_missing|staleness_p\d\d_seconds)\{/m)
})

test('two in one process do not meet', async () => {
  const [one, other] = [createMetrics(), createMetrics()]
  one.received('shop', 1)
  assert.doesNotMatch(await other.text(), /source="shop"/)
})

test('a clock behind another machine made freshness negative, and its sum fall', async () => {
  const metrics = createMetrics()
  const counting = createCounting(metrics)
  const received = { ...accepted(1).received, receivedAt: 2_000 }
  counting.settled(() => 1_000)([{ arrival: { received }, as: 'stored' }])
  assert.match(await metrics.text(), /^headwater_freshness_seconds_sum\{source="\w+"\} 0$/m)
  assert.equal(counting.tally.freshnessMs, 0)
})
