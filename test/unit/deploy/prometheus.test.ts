import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { parseDuration, writeDuration } from '../../../src/lib/units.ts'
import { createRules } from '../../../src/telemetry/alerts/rules.ts'
import { exposed, namesIn, strangersIn } from '../../support/promql.ts'
import { DEFAULTS } from '../../support/vitals.ts'

interface PrometheusRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const root = join(import.meta.dirname, '../../..')
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8')

const { groups } = parse(await read('deploy/prometheus/alerts.yaml')) as {
  groups: { rules: PrometheusRule[] }[]
}
const rules = groups.flatMap((group) => group.rules)
const ruleNamed = (name: string): PrometheusRule =>
  rules.find(({ alert }) => alert === name) ?? assert.fail(`alerts.yaml has no ${name}`)

/** Only who looks from outside can tell it. */
const OUTSIDE = ['target_down']

describe('the alerts for Prometheus', () => {
  const builtIn = createRules(DEFAULTS)

  test('are those that are built in, and those that only an outsider can tell', () => {
    assert.deepEqual(
      rules.map(({ alert }) => alert),
      [...builtIn.map(({ name }) => name), ...OUTSIDE],
    )
  })

  for (const { name, severity, afterMs } of builtIn) {
    test(`${name} has the same severity and waits as long`, () => {
      const { labels, for: wait = '0s' } = ruleNamed(name)
      assert.equal(labels['severity'], severity)
      assert.equal(parseDuration(wait), afterMs)
    })
  }

  test('have the same thresholds', () => {
    const { silentSource, rejectShare, backlogAge, diskSpace, deadLetterSpace } = DEFAULTS
    assert.ok(silentSource && rejectShare && backlogAge && diskSpace && deadLetterSpace)
    const thresholds = {
      silent_source: [`> ${silentSource.afterMs / 1_000}`],
      reject_share: [`> ${rejectShare.above}`, `[${writeDuration(rejectShare.overMs)}]`, '>= 20'],
      backlog_age: [`> ${backlogAge.aboveMs / 1_000}`],
      disk_space: [`< ${diskSpace.below}`],
      dead_letter_space: [`> ${deadLetterSpace.above}`],
      source_failing: ['== 1'],
      drifted_fields: ['> 0'],
      not_ready: ['== 0', '== 0'],
    }
    for (const [name, expected] of Object.entries(thresholds)) {
      const { expr } = ruleNamed(name)
      const compared = expr.replaceAll(/unless[^]*/g, '').match(/[<>=]=? [\d.]+|\[\w+\]/g) ?? []
      assert.deepEqual(new Set(compared), new Set(expected), name)
    }
  })

  test('ask for nothing that is not exposed', async () => {
    const known = await exposed()
    for (const { alert, expr, annotations } of rules) {
      assert.deepEqual(strangersIn(expr, known), [], alert)
      const used = Object.values(annotations).flatMap((text) => [...text.matchAll(/\$labels\.(\w+)/g)])
      for (const [, label = ''] of used) {
        assert.deepEqual(strangersIn(`${expr} by (${label})`, known), [], `${alert}: ${label}`)
      }
    }
  })

  test('say what is wrong, what to do, and where to read more', async () => {
    const headings: readonly string[] = (await read('docs/alerts.md')).match(/(?<=^## )\w+$/gm) ?? []
    for (const { alert, annotations } of rules) {
      assert.deepEqual(Object.keys(annotations), ['summary', 'description', 'runbook_url'], alert)
      assert.equal(annotations['runbook_url'], `docs/alerts.md#${alert}`)
      assert.ok(headings.includes(alert), `docs/alerts.md explains ${alert}`)
    }
  })

  test('are each shown firing and ending', async () => {
    const { tests } = parse(await read('deploy/prometheus/alerts.test.yaml')) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[]
    }
    const shown = tests.flatMap(({ alert_rule_test: cases }) => cases)
    for (const { alert } of rules) {
      const course = shown
        .filter(({ alertname }) => alertname === alert)
        .map(({ exp_alerts: fired }) => fired.length > 0)
      assert.deepEqual(course.slice(0, 3), [false, true, false], alert)
    }
  })
})

test('what is read out of an expression', () => {
  const expr =
    'sum by (le, a) (rate(x_total{b=~"$c and d", e="f"}[5m])) > 0.1 unless on (g) y:z == 1 or time() - h'
  assert.deepEqual(namesIn(expr), { metrics: ['x_total', 'y:z', 'h'], labels: ['b', 'e', 'le', 'a', 'g'] })
  const known = new Map([['x_total', new Set(['b', 'le'])]])
  assert.deepEqual(strangersIn('rate(x_total{b="1", job="j"}[1m])', known), [])
  assert.deepEqual(strangersIn('rate(y_total{c="1"}[1m])', known), ['y_total', 'c'])
})

test('docs/operations.md advises to ask for nothing that is not exposed', async () => {
  const known = await exposed()
  const [, advised = ''] = (await read('docs/operations.md')).split(/^## Worth an alert$/m)
  const [section = ''] = advised.split(/^## /m)
  const expressions = [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, expr = '']) => expr)
  assert.ok(expressions.length > 0)
  for (const expr of expressions) assert.deepEqual(strangersIn(expr, known), [], expr)
})

test('every metric of ours is explained in docs/operations.md, with its labels, and none that is not there', async () => {
  const table = (await read('docs/operations.md')).match(/^\| `headwater_\w+` \|.*$/gm) ?? []
  const explained = table.map((line) => {
    const [, name = '', labels = ''] = line.split('|')
    return [name.replaceAll(/[` ]/g, ''), (labels.match(/\w+/g) ?? []).toSorted()]
  })
  const families = new Map<string, readonly string[]>()
  for (const [series, labels] of await exposed()) {
    const name = series.replace(/(?<=_seconds)_(bucket|sum|count)$/, '')
    const own = [...labels].filter((label) => label !== 'le').toSorted()
    if (name.startsWith('headwater_')) families.set(name, own)
  }
  assert.deepEqual(Object.fromEntries(explained), Object.fromEntries(families))
})
