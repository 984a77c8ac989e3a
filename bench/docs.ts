// npm run bench:docs: measures everything and writes docs/benchmarks.md.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { measure, QUESTIONS } from './measure.ts'
import type { Answer, Report } from './question.ts'

const PLACE = join(import.meta.dirname, '../docs/benchmarks.md')

const report = await measure({ names: Object.keys(QUESTIONS), runs: 5, count: 100_000 })
await writeFile(PLACE, pageOf(report))

function pageOf({ date, machine, versions, runs, count, answers }: Report): string {
  const measured = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    '# Benchmarks',
    '',
    'Written by `npm run bench:docs`. `npm run bench` measures the same and prints JSON; `--only` names one question.',
    '',
    `${[date, machine, ...measured].join(', ')}.`,
    `Medians of ${runs} runs with ${count.toLocaleString('en-US')} reviews each, of about 680 bytes,`,
    'one in twenty of them invalid; disk, sender and server on one machine. *CPU* is user and system time of all threads of the',
    'server. Figures of other machines differ; ratios within one run are what to look at.',
    '',
    ...answers.flatMap(partOf),
  ].join('\n')
}

function partOf({ name, asks, rows }: Answer): string[] {
  const columns = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))]
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    `## ${name}`,
    '',
    asks,
    '',
    line(['', ...columns]),
    line(['---', ...columns.map(() => '---:')]),
    ...rows.map(({ of, figures }) => line([of, ...columns.map((column) => shown(figures[column]))])),
    '',
  ]
}

function shown(figure: number | undefined): string {
  return figure === undefined
    ? ''
    : figure.toLocaleString('en-US', { maximumFractionDigits: figure < 1_000 ? 2 : 0 })
}
