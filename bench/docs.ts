// npm run bench:docs [-- NAME...]: measures everything, or the questions that are named, and writes docs/benchmarks.md, in which
// the parts of the other questions stay as they are.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measure, QUESTIONS } from './measure.ts'
import type { Answer, Report } from './question.ts'

const PLACE = join(import.meta.dirname, '../docs/benchmarks.md')

const HEAD = `# Benchmarks

Written by \`npm run bench:docs\`. \`npm run bench\` measures the same and prints JSON; \`--only\` names one question.

Reviews are of about 680 bytes, one in twenty of them invalid; disk, sender and server are on one machine. *CPU* is user and system
time of all threads of the server, or of the client where a client is measured. Figures of other machines, and of other days,
differ; ratios within one run are what to look at.
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '5' } },
})
const names = positionals.length > 0 ? positionals : Object.keys(QUESTIONS)
const report = await measure({ names, runs: Number(values.runs), count: 100_000 })
const parts = new Map([...(await partsOf(PLACE)), ...report.answers.map((answer) => partOf(answer, report))])
const known = Object.keys(QUESTIONS).flatMap((name) => parts.get(name) ?? [])
await writeFile(PLACE, [HEAD, ...known].join('\n'))

/** What the page says of each question, by its name. */
async function partsOf(path: string): Promise<readonly (readonly [string, string])[]> {
  const [, ...old] = (await readFile(path, 'utf8')).split(/^(?=## )/m)
  return old.map((part) => [part.slice(3, part.indexOf('\n')), `${part.trimEnd()}\n`])
}

function partOf({ name, asks, rows }: Answer, { date, machine, versions, runs, count }: Report) {
  const columns = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))]
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const measured = Object.entries(versions).map(([of, version]) => `${of} ${version}`)
  const part = [
    `## ${name}`,
    '',
    asks,
    '',
    `${[date, machine, ...measured].join(', ')}; medians of ${runs} runs with up to ${count.toLocaleString('en-US')} reviews each.`,
    '',
    line(['', ...columns]),
    line(['---', ...columns.map(() => '---:')]),
    ...rows.map(({ of, figures }) => line([of, ...columns.map((column) => shown(figures[column]))])),
    '',
  ]
  return [name, part.join('\n')] as const
}

function shown(figure: number | undefined): string {
  return figure === undefined
    ? ''
    : figure.toLocaleString('en-US', { maximumFractionDigits: figure < 1_000 ? 2 : 0 })
}
