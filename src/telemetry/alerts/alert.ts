import type { Vitals } from '../vitals.ts'

/** Something that somebody should know. By its rule and its subject it is the same alert as before. */
export interface Alert extends Finding {
  readonly rule: string
  readonly severity: Severity
  /** Since when it has been so, in milliseconds since 1970. */
  readonly since: number
}

/** `critical`: reviews are not taken or not stored, or soon won't be. `warning`: a person should look today. */
export type Severity = 'critical' | 'warning'

/** What a rule found. */
export interface Finding {
  /** What it is about: a source, a topic, the process, the disk. */
  readonly subject: string
  /** What is wrong, with its figures. */
  readonly summary: string
  /** What to do about it. */
  readonly advice: string
}

export interface Rule {
  readonly name: string
  readonly severity: Severity
  /** For how long it must be so, in each look, before anybody is told. */
  readonly afterMs: number
  /** How much earlier `then` shall be than `now`. */
  readonly overMs: number
  /**
   * All that is wrong now: a pure function of how it is and how it was. Where nothing is known of so long ago, `then` is
   * the earliest there is.
   */
  readonly find: (now: Vitals, then: Vitals) => readonly Finding[]
}

export interface Alerts {
  /** Takes a look into account, each later than the one before, and tells what has changed by it. */
  evaluate(now: Vitals): { readonly fired: readonly Alert[]; readonly resolved: readonly Alert[] }
  /** What fires. */
  firing(): readonly Alert[]
}

/** Keeps the rules' findings in mind, and the looks that the rules go back to. */
export function createAlerts(rules: readonly Rule[]): Alerts {
  const longestMs = Math.max(0, ...rules.map(({ overMs }) => overMs))
  let looks: readonly Vitals[] = []
  let standing: ReadonlyMap<string, Alert> = new Map()
  let firing: readonly Alert[] = []

  function find(rule: Rule, now: Vitals): readonly Alert[] {
    const then = looks.findLast(({ at }) => at <= now.at - rule.overMs) ?? looks[0] ?? now
    return rule.find(now, then).map((finding) => {
      const alert = { rule: rule.name, severity: rule.severity, since: now.at, ...finding }
      return { ...alert, since: standing.get(identity(alert))?.since ?? now.at }
    })
  }

  return {
    evaluate(now) {
      const kept = looks.findLastIndex(({ at }) => at <= now.at - longestMs)
      looks = [...looks.slice(Math.max(0, kept)), now]
      const found = rules.flatMap((rule) =>
        find(rule, now).map((alert) => ({ alert, afterMs: rule.afterMs })),
      )
      standing = new Map(found.map(({ alert }) => [identity(alert), alert]))
      const before = firing
      firing = found.filter(({ alert, afterMs }) => now.at - alert.since >= afterMs).map(({ alert }) => alert)
      return { fired: without(firing, before), resolved: without(before, firing) }
    },
    firing: () => firing,
  }
}

/** What makes it the same alert as another one. */
export function identity({ rule, subject }: Pick<Alert, 'rule' | 'subject'>): string {
  return `${rule} ${subject}`
}

/** Those alerts that are not among the others. */
export function without(alerts: readonly Alert[], others: readonly Alert[]): readonly Alert[] {
  const known = new Set(others.map(identity))
  return alerts.filter((alert) => !known.has(identity(alert)))
}

/** An alert as other programs read it. */
export function written({ since, ...alert }: Alert): WrittenAlert {
  return { ...alert, since: new Date(since).toISOString() }
}

export interface WrittenAlert extends Omit<Alert, 'since'> {
  /** RFC 3339. */
  readonly since: string
}
