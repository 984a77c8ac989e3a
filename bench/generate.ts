import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { createGenerator, type Kind } from '../src/sources/simulator/generator.ts'
import simulator from '../src/sources/simulator/index.ts'

const USAGE = `node bin/run.js node bench/generate.ts --count N [--seed S] [--products N] [--rate R] [--start TIME]
                                       [--duplicates SHARE] [--edits SHARE] [--invalid SHARE] > reviews.ndjson

Writes the simulator's reviews, one a line, and tells on standard error how many of each kind there are.
The same options give the same bytes.`

const LINES_PER_WRITE = 1_000
const NEWLINE = Buffer.from('\n')

const { values } = parseArgs({
  options: {
    count: { type: 'string' },
    seed: { type: 'string' },
    products: { type: 'string' },
    rate: { type: 'string' },
    start: { type: 'string', default: '2026-01-01T00:00:00Z' },
    duplicates: { type: 'string' },
    edits: { type: 'string' },
    invalid: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (values.help || values.count === undefined) {
  process.stderr.write(`${USAGE}\n`)
  process.exit(values.help ? 0 : 2)
}

const { start, help: _, ...given } = values
const numbers = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, Number(value)]))
const { count = 0, ...sequence } = simulator.config.parse(numbers)
const generator = createGenerator(sequence, Date.parse(start))
const kinds: Record<Kind, number> = { review: 0, duplicate: 0, edit: 0, invalid: 0 }

// A reader that has seen enough, such as head, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

for (let from = 0; from < count; from += LINES_PER_WRITE) {
  const block = lines(from, Math.min(from + LINES_PER_WRITE, count))
  if (!process.stdout.write(block)) await once(process.stdout, 'drain')
}
process.stderr.write(`${JSON.stringify({ count, ...kinds })}\n`)

function lines(from: number, to: number): Buffer {
  const parts: Buffer[] = []
  for (let index = from; index < to; index++) {
    parts.push(generator.at(index), NEWLINE)
    kinds[generator.kindOf(index)] += 1
  }
  return Buffer.concat(parts)
}
