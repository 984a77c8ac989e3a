import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { type Alert, createAlerts, identity } from '../../../src/telemetry/alerts/alert.ts'
import { createRules, type RuleSettings } from '../../../src/telemetry/alerts/rules.ts'
import type { SourceVitals, Vitals } from '../../../src/telemetry/vitals.ts'
import { DEFAULTS, HOUR, MINUTE, source, vitals } from '../../support/vitals.ts'

/** What fires after each of these looks. */
function firing(looks: readonly Vitals[], settings: Partial<RuleSettings> = {}): string[][] {
  const alerts = createAlerts(createRules({ ...DEFAULTS, ...settings }))
  return looks.map((look) => {
    alerts.evaluate(look)
    return alerts.firing().map(identity)
  })
}

/** Evaluates a look a minute, and tells the minutes at which something fires. */
function firingMinutes(
  minutes: number,
  lookAt: (minute: number) => Partial<Vitals>,
  settings: Partial<RuleSettings> = {},
): Record<string, number[]> {
  const found: Record<string, number[]> = {}
  const looks = Array.from({ length: minutes }, (_, minute) => vitals(minute, lookAt(minute)))
  for (const [minute, names] of firing(looks, settings).entries())
    for (const name of names) (found[name] ??= []).push(minute)
  return found
}

const between = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n)

const BADGE = { kind: 'new', field: '/badge', message: '`/badge` is new' } as const
const GONE = {
  kind: 'gone',
  field: '/title',
  message: '`/title` is gone since 10:00; it was in 95 % of the items',
} as const
const TEXT = { kind: 'type', field: '/rating', message: '`/rating` is text' } as const

describe('the rules', () => {
  test('find nothing where all is well', () => {
    assert.deepEqual(
      firingMinutes(60, () => ({})),
      {},
    )
  })

  test('a silent source fires once it was silent for long enough, and ends with its next review', () => {
    const silentFor = (hours: number) => ({
      sources: [source('shop', { quietMs: hours * HOUR }), source('partner')],
    })
    assert.deepEqual(firing([vitals(0, silentFor(24)), vitals(1, silentFor(24.1)), vitals(2)]), [
      [],
      ['silent_source shop'],
      [],
    ])
  })

  test('a source that has ended is not silent', () => {
    const ended = { sources: [source('shop', { state: 'ended', quietMs: 48 * HOUR })] }
    assert.deepEqual(firing([vitals(0, ended)]), [[]])
  })

  test('a source that is paused is not silent', () => {
    const paused = { sources: [source('shop', { state: 'paused', quietMs: 48 * HOUR })] }
    assert.deepEqual(firing([vitals(0, paused)]), [[]])
  })

  test('a failing source fires after five minutes, not before, and ends when it runs', () => {
    const found = firingMinutes(30, (minute) => ({
      sources: [source('shop', minute >= 10 && minute < 20 ? { state: 'failing', detail: 'no' } : {})],
    }))
    assert.deepEqual(found, { 'source_failing shop': between(15, 20) })
  })

  test('trouble that passes by itself within `after` is never told', () => {
    const found = firingMinutes(60, (minute) => ({
      sources: [source('shop', { state: minute % 6 < 5 ? 'failing' : 'running' })],
    }))
    assert.deepEqual(found, {})
  })

  test('a backlog that ages fires by topic, and ends when it is stored', () => {
    const found = firingMinutes(60, (minute) => ({
      topics: [
        { topic: 'raw-reviews', backlog: 9, oldestAgeMs: minute < 40 ? minute * MINUTE : 0 },
        { topic: 'dead-letter-queue', oldestAgeMs: undefined },
      ],
    }))
    assert.deepEqual(found, { 'backlog_age raw-reviews': between(16, 40) })
  })

  test('a disk that fills fires, and ends when there is room', () => {
    const found = firingMinutes(40, (minute) => ({
      disk: { sizeBytes: 100, freeBytes: minute < 30 ? 30 - minute : 50 },
    }))
    assert.deepEqual(found, { 'disk_space data folder': between(26, 30) })
  })

  test('dead letters that come near their limit fire, and end when they are purged', () => {
    const found = firingMinutes(40, (minute) => ({
      deadLetters: minute < 30 ? { bytes: 70 + minute, maxBytes: 100 } : { bytes: 0, maxBytes: 100 },
    }))
    assert.deepEqual(found, { 'dead_letter_space dead letters': between(16, 30) })
    assert.deepEqual(
      firingMinutes(20, () => ({ deadLetters: undefined })),
      {},
      'a store that can not tell',
    )
  })

  test('a file system without a size, or a disk that does not answer, is no full disk', () => {
    const disk = { freeBytes: 0, sizeBytes: 0 }
    assert.deepEqual(
      firingMinutes(20, (minute) => ({ disk: minute % 2 ? undefined : disk })),
      {},
    )
  })

  test('a process that is not ready, or whose loop is stuck, fires after two minutes', () => {
    for (const planted of [{ unready: ['queue: no answer'] }, { stuck: ['storage raw-reviews'] }]) {
      const found = firingMinutes(20, (minute) => (minute >= 5 && minute < 10 ? planted : {}))
      assert.deepEqual(found, { 'not_ready process': between(7, 10) })
    }
  })

  test('drifted_fields fires for fields that are not what they were, and not for new ones', () => {
    const found = firingMinutes(40, (minute) => ({
      sources: [
        source('shop', { drifted: minute >= 10 && minute < 30 ? [BADGE, GONE, TEXT] : [BADGE] }),
        source('other', { drifted: [BADGE] }),
      ],
    }))
    assert.deepEqual(found, { 'drifted_fields shop': between(20, 30) })
    const [rule] = createRules({ ...DEFAULTS }).filter(({ name }) => name === 'drifted_fields')
    const [finding] =
      rule?.find(vitals(1, { sources: [source('shop', { drifted: [BADGE, GONE, TEXT] })] }), undefined) ?? []
    assert.equal(
      finding?.summary,
      'What the source shop sends has changed: `/title` is gone since 10:00; it was in 95 % of the items (and 1 field more).',
    )
  })

  test('a rule that is false finds nothing', () => {
    const off = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, false]))
    const wrong = {
      sources: [
        source('shop', { state: 'failing', quietMs: 99 * HOUR, received: 99, rejected: 99, drifted: [GONE] }),
      ],
      topics: [{ topic: 'raw-reviews', backlog: 1, oldestAgeMs: 99 * HOUR }],
      disk: { freeBytes: 0, sizeBytes: 1 },
      deadLetters: { bytes: 9, maxBytes: 10 },
      unready: ['queue'],
    }
    assert.deepEqual(
      firingMinutes(30, () => wrong, off),
      {},
    )
    assert.equal(Object.keys(firingMinutes(30, () => wrong)).length, Object.keys(DEFAULTS).length)
  })
})

describe('a share of dead letters', () => {
  /** Ten items a minute, of which so many are rejected. */
  function flow(rejectedAt: (minute: number) => number) {
    let received = 0
    let rejected = 0
    return (minute: number): { sources: SourceVitals[] } => {
      received += 10
      rejected += rejectedAt(minute)
      return { sources: [source('shop', { received, rejected })] }
    }
  }

  test('that grows fires, and ends when it is over', () => {
    const found = firingMinutes(
      120,
      flow((minute) => (minute >= 60 && minute < 80 ? 4 : 0)),
    )
    // More than a tenth of the last 15 minutes, from the fourth bad minute on until only three of them are left.
    assert.deepEqual(found, { 'reject_share shop': between(68, 91) })
  })

  test('is taken of the last minutes alone', () => {
    const shareOf = (overMs: number) =>
      firingMinutes(
        120,
        flow((minute) => (minute === 60 ? 10 : 0)),
        { rejectShare: { above: 0.1, overMs, afterMs: 0 } },
      )
    assert.deepEqual(shareOf(5 * MINUTE), { 'reject_share shop': between(60, 65) })
    assert.deepEqual(shareOf(15 * MINUTE), {}, '10 of 150 are no tenth')
  })

  test('was missed where it came before the first look', () => {
    const burst = { sources: [source('shop', { received: 40, rejected: 10 })] }
    const rejectShare = { above: 0.1, overMs: 15 * MINUTE, afterMs: 0 }
    const found = firingMinutes(30, () => burst, { rejectShare })
    assert.deepEqual(found, { 'reject_share shop': between(0, 15) })
  })

  test('of a few items is an accident', () => {
    const found = firingMinutes(60, (minute) => ({
      sources: [source('shop', { received: 1_000 + minute, rejected: minute })],
    }))
    assert.deepEqual(found, {})
  })
})

describe('time', () => {
  test('a clock that was set back ended what fires, and a clock that was set forward made it fire', () => {
    const failing = { sources: [source('shop', { state: 'failing' })] }
    const alerts = createAlerts(createRules(DEFAULTS))
    for (let minute = 0; minute < 10; minute++) {
      const set = { ...vitals(minute, failing), at: [0, 4e12, 1e12][minute % 3] ?? 0 }
      const { fired, resolved } = alerts.evaluate(set)
      assert.equal(fired.length, minute === 5 ? 1 : 0, `minute ${minute}`)
      assert.deepEqual(resolved, [])
    }
    assert.equal(alerts.firing()[0]?.since, 0, 'since when, as the clock said it then')
  })

  test('what is looked at again and again is not kept without bound', async () => {
    const looks: WeakRef<Vitals>[] = []
    const ages: number[] = []
    const rule = {
      name: 'spy',
      severity: 'warning' as const,
      afterMs: 0,
      overMs: 24 * HOUR,
      find(now: Vitals, then: Vitals | undefined) {
        if (then) ages.push(now.steadyMs - then.steadyMs)
        return []
      },
    }
    const alerts = createAlerts([rule])
    for (let minute = 0; minute < 5 * 24 * 60; minute++) {
      const look = vitals(minute)
      looks.push(new WeakRef(look))
      alerts.evaluate(look)
    }
    setFlagsFromString('--expose-gc')
    await turn()
    ;(runInNewContext('gc') as () => void)()
    const kept = looks.filter((look) => look.deref() !== undefined)
    assert.ok(kept.length <= 70, `${kept.length} looks of ${looks.length} are kept`)
    assert.deepEqual(alerts.firing(), [])
    assert.equal(ages.length, 4 * 24 * 60, 'before, there was no process')
    assert.ok(Math.min(...ages) >= 24 * HOUR && Math.max(...ages) <= 24 * HOUR * (1 + 2 / 64))
  })

  test('whatever comes, an alert is told to begin and to end in turns', () => {
    const looks = fc.array(
      fc.record({ failing: fc.boolean(), full: fc.boolean(), minutes: fc.integer({ min: 1, max: 9 }) }),
    )
    fc.assert(
      fc.property(looks, (steps) => {
        const alerts = createAlerts(createRules(DEFAULTS))
        const open = new Set<string>()
        let minute = 0
        for (const { failing, full, minutes } of steps) {
          minute += minutes
          const planted = {
            sources: [source('shop', { state: failing ? 'failing' : 'running' })],
            disk: { freeBytes: full ? 1 : 99, sizeBytes: 100 },
          }
          const { fired, resolved } = alerts.evaluate(vitals(minute, planted))
          for (const alert of fired.map(identity)) assert.ok(!open.has(alert) && open.add(alert))
          for (const alert of resolved.map(identity)) assert.ok(open.delete(alert))
          assert.deepEqual(alerts.firing().map(identity).toSorted(), [...open].toSorted())
        }
      }),
    )
  })
})

describe('what is said', () => {
  function said(planted: Partial<Vitals>): Alert | undefined {
    const settings = { ...DEFAULTS, notReady: { afterMs: 0 }, sourceFailing: { afterMs: 0 } }
    const alerts = createAlerts(createRules(settings))
    return alerts.evaluate(vitals(0, planted)).fired[0]
  }

  test('has the figures', () => {
    const silent = said({ sources: [source('shop', { quietMs: 50 * HOUR })] })
    assert.equal(silent?.summary, 'The source shop has handed over nothing for 2 d 2 h.')
    assert.match(silent.advice, /silent_source\.after/)
    assert.equal(silent.severity, 'warning')
  })

  test('words of strangers stay one line and short', () => {
    const detail = `it said\n🟢 *all* is well\r\n${'x'.repeat(10_000)}`
    for (const planted of [
      { sources: [source('shop', { state: 'failing', detail })] },
      { unready: [detail] },
    ]) {
      const summary = said(planted)?.summary ?? ''
      assert.match(summary, /it said 🟢/)
      assert.ok(!/[\n\r]/.test(summary) && summary.length < 400)
    }
  })
})
