// npm run test:long: the fault tests with big counts. Leaves a dated report in docs/reports/.
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { run } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import { formatBytes, formatDuration } from '../../src/lib/units.ts'

const root = join(import.meta.dirname, '../..')

/** Each file takes its counts from the environment. */
const LONG: readonly { readonly file: string; readonly env: Readonly<Record<string, string>> }[] = [
  {
    file: 'test/fault/import.test.ts',
    env: { HEADWATER_IMPORT_COUNT: '1000000', HEADWATER_IMPORT_KILLS: '10' },
  },
  {
    file: 'test/fault/webhook-load.test.ts',
    env: { HEADWATER_LOAD_COUNT: '200000', HEADWATER_LOAD_KILLS: '5' },
  },
]

interface Result {
  readonly title: string
  readonly passed: boolean
  readonly durationMs: number
  readonly error?: string
  /** What it measured, in its own words. */
  readonly found?: string
}

const results: Result[] = []
for (const { file, env } of LONG) {
  Object.assign(process.env, env)
  for await (const event of run({ files: [join(root, file)], concurrency: false, timeout: 3_600_000 }))
    note(event)
}
await report()
process.exitCode = results.length > 0 && results.every(({ passed }) => passed) ? 0 : 1

function note({ type, data }: TestEvent): void {
  const last = results.at(-1)
  // It follows the test that said it; what the runner says of itself names no file.
  if (type === 'test:diagnostic' && data.file !== undefined && last) {
    results[results.length - 1] = { ...last, found: data.message }
    process.stdout.write(`  ${data.message}\n`)
  }
  if ((type !== 'test:pass' && type !== 'test:fail') || data.nesting > 0 || data.details.type === 'suite')
    return
  const { name: title, details } = data
  const passed = type === 'test:pass'
  const error = passed ? undefined : String(('error' in details && details.error.cause) || 'failed')
  results.push({ title, passed, durationMs: details.duration_ms, ...(error !== undefined && { error }) })
  process.stdout.write(
    `${passed ? 'passed' : 'FAILED'}  ${formatDuration(Math.round(details.duration_ms))}  ${title}\n${error ?? ''}`,
  )
}

async function report(): Promise<void> {
  const date = new Date().toISOString().slice(0, 10)
  const [cpu] = cpus()
  const lines = [
    `# Long tests, ${date}`,
    '',
    'Written by `npm run test:long`.',
    '',
    `Node ${process.versions.node} on ${process.platform}-${process.arch}, ${cpus().length} × ${cpu?.model ?? 'unknown'}, ${formatBytes(totalmem())}.`,
    '',
    '| What | Outcome | Took |',
    '|---|---|---|',
    ...results.map(({ title, passed, durationMs, error, found }) => {
      const said = found === undefined ? '' : `: ${found}`
      const outcome = passed ? `passed${said}` : `failed: ${(error ?? '').split('\n')[0]}`
      return `| ${title} | ${outcome} | ${formatDuration(Math.round(durationMs))} |`
    }),
    '',
  ]
  const folder = join(root, 'docs/reports')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${date}-long.md`), lines.join('\n'))
}
