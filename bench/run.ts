import { parseArgs } from 'node:util'
import { LONG, measure, QUESTIONS } from './measure.ts'

const USAGE = `npm run bench -- [--runs N] [--count N] [--only NAME]... > bench.json

Measures on this machine and prints medians as JSON; figures of different machines can't be compared.`

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    count: { type: 'string', default: '100000' },
    only: {
      type: 'string',
      multiple: true,
      default: Object.keys(QUESTIONS).filter((name) => !LONG.has(name)),
    },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const unknown = values.only.filter((name) => !Object.hasOwn(QUESTIONS, name))

if (values.help || unknown.length > 0) {
  process.stderr.write(`${USAGE}\n\nNAME is one of ${Object.keys(QUESTIONS).join(', ')}.\n`)
  process.exit(values.help ? 0 : 2)
}

const report = await measure({ names: values.only, runs: Number(values.runs), count: Number(values.count) })
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
