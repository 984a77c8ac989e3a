import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { exposed, namesIn, SCRAPED, strangersIn } from '../../support/promql.ts'
import { type Dashboard, queriesOf } from '../../support/dashboard.ts'

const file = join(import.meta.dirname, '../../../deploy/grafana/headwater.json')
const dashboard = JSON.parse(await readFile(file, 'utf8')) as Dashboard
const panels = dashboard.panels.filter(({ type }) => type !== 'row')

describe('the dashboard', () => {
  test('asks for nothing that is not exposed, in panels, legends and variables', async () => {
    const known = await exposed()
    for (const { title, targets = [] } of panels) {
      assert.ok(targets.length > 0, title)
      for (const { expr, legendFormat } of targets) {
        assert.deepEqual(strangersIn(expr, known), [], title)
        const { metrics, labels } = namesIn(expr)
        const had = new Set([
          ...SCRAPED,
          ...labels,
          ...metrics.flatMap((metric) => [...(known.get(metric) ?? [])]),
        ])
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
          assert.ok(had.has(label), `${title}: ${label}`)
      }
    }
    for (const query of queriesOf(dashboard)) assert.deepEqual(strangersIn(query, known), [], query)
  })

  test('shows everything that a person looks for', () => {
    const asked = new Set(
      panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => namesIn(expr).metrics)),
    )
    for (const metric of [
      'headwater_reviews_received_total',
      'headwater_reviews_stored_total',
      'headwater_reviews_rejected_total',
      'headwater_queue_backlog_messages',
      'headwater_queue_oldest_age_seconds',
      'headwater_freshness_seconds_bucket',
      'headwater_source_state',
      'headwater_source_last_received_timestamp_seconds',
      'headwater_source_calls_total',
      'headwater_source_new_reviews_total',
      'headwater_source_products_held',
      'headwater_source_reviews_missing',
      'headwater_source_staleness_p95_seconds',
      'headwater_source_discovery_p95_seconds',
      'headwater_source_drifted_fields',
      'headwater_retries_total',
      'headwater_disk_free_bytes',
      'headwater_ready',
      'headwater_live',
      'nodejs_eventloop_lag_p99_seconds',
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
    ]) {
      assert.ok(asked.has(metric), metric)
    }
  })

  test('has a title, a unit and a description on every panel', () => {
    for (const { id, title, description, fieldConfig } of panels) {
      assert.ok(title && fieldConfig?.defaults.unit, `panel ${id}`)
      assert.match(description ?? '', /^[A-Z0-9].*\.$/, title)
    }
    assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length, 'each title once')
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length)
  })

  test('has its panels side by side, none over another', () => {
    const taken = new Set<string>()
    for (const { title, gridPos } of dashboard.panels) {
      assert.ok(gridPos.x + gridPos.w <= 24, title)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(!taken.has(`${x} ${y}`), `${title} lies over another panel`)
          taken.add(`${x} ${y}`)
        }
      }
    }
  })

  test('names no data source, job or process of its author: all of them are chosen above', () => {
    const chosen = new Set(dashboard.templating.list.map(({ name }) => name))
    for (const [, variable = ''] of JSON.stringify(dashboard).matchAll(/\$\{?(\w+)/g)) {
      assert.ok(chosen.has(variable) || variable.startsWith('__'), variable)
    }
    for (const { title, datasource, targets = [] } of panels) {
      for (const one of [datasource, ...targets.map((target) => target.datasource)]) {
        assert.deepEqual(one, { type: 'prometheus', uid: '${datasource}' }, title)
      }
      for (const { expr } of targets) {
        const series = expr.match(/\b(headwater|nodejs|process|up)\w*\{[^}]*\}/g) ?? []
        assert.equal(series.length, namesIn(expr).metrics.length, `${title}: every series is chosen`)
        for (const one of series) assert.match(one, /job=~"\$job", instance=~"\$instance"/, title)
      }
    }
  })
})
