import { availableParallelism, cpus, release, totalmem } from 'node:os'
import own from '../package.json' with { type: 'json' }
import { medians, type Question, type Report, type Row } from './question.ts'

/** Every question, by its name. */
export const QUESTIONS: Readonly<Record<string, () => Promise<Question>>> = {
  webhook: async () => (await import('./webhook.ts')).webhook,
  stored: async () => (await import('./stored.ts')).stored,
  import: async () => (await import('./import.ts')).importing,
  alone: async () => (await import('./alone.ts')).alone,
  steps: async () => (await import('./steps.ts')).steps,
  brokers: async () => (await import('./brokers.ts')).brokers,
  databases: async () => (await import('./databases.ts')).databases,
  planner: async () => (await import('./planner.ts')).planner,
  console: async () => (await import('./console.ts')).consoleViews,
  'console-page': async () => (await import('./console-page.ts')).consolePage,
  'what-if': async () => (await import('./what-if.ts')).whatIf,
  curve: async () => (await import('./curve.ts')).curve,
}

/** Takes minutes: asked only where it is named, and once. */
export const LONG: ReadonlySet<string> = new Set(['what-if', 'console', 'console-page', 'curve'])

export interface Measuring {
  readonly names: readonly string[]
  readonly runs: number
  /** How many reviews a measurement is made with. */
  readonly count: number
}

/** Asks the questions in turns, so that a machine that slows down slows all of them; a long one once. Tells on standard error. */
export async function measure({ names, runs, count }: Measuring): Promise<Report> {
  const asked = await Promise.all(
    names.flatMap(
      (name) =>
        QUESTIONS[name]?.().then((question) => ({ question, times: LONG.has(name) ? 1 : runs })) ?? [],
    ),
  )
  const found = new Map<Question, (readonly Row[])[]>(asked.map(({ question }) => [question, []]))
  for (let run = 1; run <= runs; run++) {
    for (const { question } of asked.filter(({ times }) => run <= times)) {
      process.stderr.write(`run ${run} of ${runs}: ${question.name}\n`)
      found.get(question)?.push(await question.ask({ count }))
    }
  }
  const gibibytes = Math.round(totalmem() / 2 ** 30)
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${gibibytes} GiB, Linux ${release()}`,
    versions: { Headwater: own.version, Node: process.versions.node, lmdb: own.dependencies.lmdb },
    runs,
    count,
    // What could not be asked here has no rows, and has told why.
    answers: Array.from(found, ([{ name, asks }, rows]) => ({ name, asks, rows: medians(rows) })).filter(
      ({ rows }) => rows.length > 0,
    ),
  }
}
