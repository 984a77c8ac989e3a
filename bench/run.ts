import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { medians, type Question, type Report, type Row } from './question.ts'

const USAGE = `node bench/run.ts [--runs N] [--count N] [--only NAME]... > bench.json

Measures on this machine and prints medians as JSON; figures of different machines can't be compared.`

const questions: Readonly<Record<string, () => Promise<Question>>> = {
  webhook: async () => (await import('./webhook.ts')).webhook,
  stored: async () => (await import('./stored.ts')).stored,
  import: async () => (await import('./import.ts')).importing,
  steps: async () => (await import('./steps.ts')).steps,
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    count: { type: 'string', default: '100000' },
    only: { type: 'string', multiple: true, default: Object.keys(questions) },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const unknown = values.only.filter((name) => !Object.hasOwn(questions, name))

if (values.help || unknown.length > 0) {
  process.stderr.write(`${USAGE}\n\nNAME is one of ${Object.keys(questions).join(', ')}.\n`)
  process.exit(values.help ? 0 : 2)
}

const runs = Number(values.runs)
const count = Number(values.count)
const asked = await Promise.all(values.only.flatMap((name) => questions[name]?.() ?? []))
const found = new Map<Question, (readonly Row[])[]>(asked.map((question) => [question, []]))

for (let run = 1; run <= runs; run++) {
  for (const [question, rows] of found) {
    process.stderr.write(`run ${run} of ${runs}: ${question.name}\n`)
    rows.push(await question.ask({ count }))
  }
}

const gibibytes = Math.round(totalmem() / 2 ** 30)
const report: Report = {
  date: new Date().toISOString().slice(0, 10),
  machine: `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${gibibytes} GiB, Linux ${release()}`,
  node: process.version,
  runs,
  count,
  answers: Array.from(found, ([{ name, asks }, rows]) => ({ name, asks, rows: medians(rows) })),
}
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
