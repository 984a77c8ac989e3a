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
  /** All that is wrong now: a pure function of how it is and how it was; `then` is missing where there was no process yet. */
  readonly find: (now: Vitals, then: Vitals | undefined) => readonly Finding[]
}

export interface Alerts {
  /** Takes a look into account, each later than the one before, and tells what has changed by it. */
  evaluate(now: Vitals): { readonly fired: readonly Alert[]; readonly resolved: readonly Alert[] }
  /** What fires. */
  firing(): readonly Alert[]
}

/** So many looks are kept at most, however often one is taken: `then` may be this part of `overMs` too early. */
const LOOKS = 64

/** Keeps the rules' findings in mind, and the looks that the rules go back to. */
export function createAlerts(rules: readonly Rule[]): Alerts {
  const longestMs = Math.max(0, ...rules.map(({ overMs }) => overMs))
  /** Oldest first. */
  let looks: readonly Vitals[] = []
  /** All that is found, and since when on the steady clock. */
  let standing: ReadonlyMap<string, { readonly alert: Alert; readonly fromMs: number }> = new Map()
  let firing: readonly Alert[] = []

  function remember(now: Vitals): void {
    const last = looks.at(-1)
    if (last && now.steadyMs - last.steadyMs < longestMs / LOOKS) return
    const oldest = looks.findLastIndex(({ steadyMs }) => now.steadyMs - steadyMs >= longestMs)
    looks = [...looks.slice(Math.max(0, oldest)), now]
  }

  function find({ name, severity, overMs, afterMs, find: findIn }: Rule, now: Vitals) {
    const then = looks.findLast(({ steadyMs }) => now.steadyMs - steadyMs >= overMs)
    return findIn(now, then).map((finding) => {
      const before = standing.get(identity({ rule: name, subject: finding.subject }))
      const alert = { rule: name, severity, ...finding, since: before?.alert.since ?? now.at }
      const fromMs = before?.fromMs ?? now.steadyMs
      return { alert, fromMs, fires: now.steadyMs - fromMs >= afterMs }
    })
  }

  return {
    evaluate(now) {
      remember(now)
      const found = rules.flatMap((rule) => find(rule, now))
      standing = new Map(found.map((one) => [identity(one.alert), one]))
      const before = firing
      firing = found.filter(({ fires }) => fires).map(({ alert }) => alert)
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
