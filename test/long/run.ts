// npm run test:long: the fault tests with big counts, or those of the files that are named: npm run test:long kafka-queue pairs.
// Leaves a dated report in docs/reports/, to which what runs later on the same day is added.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { basename, join } from 'node:path'
import { run } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import { formatBytes, formatDuration } from '../../src/lib/units.ts'

const root = join(import.meta.dirname, '../..')

interface Long {
  readonly file: string
  /** Each file takes its counts from the environment. */
  readonly env: Readonly<Record<string, string>>
  /** What the titles have in them that are run; all of the file unless told. */
  readonly only?: string
}

const HOUR_MS = 3_600_000

/** The stand-in looks at every row for each page of a scan. */
const MONGODB_BEARS = process.env['MONGODB_URL'] === undefined ? 20_000 : 100_000

const LONG: readonly Long[] = [
  {
    file: 'test/fault/import.test.ts',
    env: { HEADWATER_IMPORT_COUNT: '1000000', HEADWATER_IMPORT_KILLS: '10' },
  },
  {
    file: 'test/fault/webhook-load.test.ts',
    env: { HEADWATER_LOAD_COUNT: '200000', HEADWATER_LOAD_KILLS: '5' },
  },
  {
    file: 'test/fault/redrive.test.ts',
    env: { HEADWATER_REDRIVE_COUNT: '20000' },
    only: 'a cluster of dead letters',
  },
  queueLoad('kafka', 200_000),
  queueLoad('rabbitmq', 50_000),
  queueLoad('kinesis', 20_000),
  queueLoad('pubsub', 20_000),
  storeLoads('mongodb', MONGODB_BEARS),
  storeLoads('cassandra', 100_000),
  storeLoads('dynamodb', 20_000),
  hotProduct('mongodb-documents', MONGODB_BEARS),
  hotProduct('cassandra-store', 1_000_000),
  hotProduct('dynamodb-rows', 100_000),
  { file: 'test/e2e/pairs.test.ts', env: { HEADWATER_PAIRS: 'all' } },
  { file: 'test/e2e/hostile.test.ts', env: { HEADWATER_HOSTILE_SEEDS: '10' } },
  { file: 'test/unit/sources/http-poll-hostile.test.ts', env: { HEADWATER_HOSTILE_SEEDS: '100' } },
]

function queueLoad(name: string, count: number): Long {
  return {
    file: `test/fault/${name}-queue.test.ts`,
    env: {
      HEADWATER_QUEUE_LOAD: String(count),
      HEADWATER_QUEUE_KILLS: '2',
      HEADWATER_QUEUE_LIMIT_MS: String(HOUR_MS),
    },
    only: 'reviews by way of',
  }
}

/** As many reviews of one product as the local server bears. */
function hotProduct(name: string, count: number): Long {
  return {
    file: `test/conformance/${name}.test.ts`,
    env: { HEADWATER_HOT_COUNT: String(count), HEADWATER_MONGODB_HEAP: '3g' },
    only: 'hot product|of a product with',
  }
}

/** A load, an outage and a copy. */
function storeLoads(name: string, count: number): Long {
  return {
    file: `test/fault/${name}-store.test.ts`,
    env: {
      HEADWATER_STORE_LOAD: String(count),
      HEADWATER_STORE_KILLS: '2',
      HEADWATER_COPY_COUNT: '50000',
      HEADWATER_STORE_LIMIT_MS: String(2 * HOUR_MS),
      HEADWATER_STORE_TIMEOUT: '60s',
      HEADWATER_MONGODB_HEAP: '3g',
    },
    only: 'reviews into',
  }
}

interface Result {
  readonly title: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  readonly durationMs: number
  /** Why it failed, or was skipped. */
  readonly reason?: string
  /** What it measured, in its own words. */
  readonly found?: string
}

const results: Result[] = []
for (const { file, env, only } of chosen(process.argv.slice(2))) {
  const before = results.length
  Object.assign(process.env, env)
  const options = { files: [join(root, file)], concurrency: false, timeout: 6 * HOUR_MS }
  for await (const event of run(only === undefined ? options : { ...options, testNamePatterns: only }))
    note(event)
  for (const name of Object.keys(env)) delete process.env[name]
  if (results.length === before)
    tell({ title: file, outcome: 'failed', durationMs: 0, reason: 'no test of it ran; is its server here?' })
  await report()
}
process.exitCode = results.some(({ outcome }) => outcome === 'failed') ? 1 : 0

/** Files by their names without `.test.ts`, such as `pairs` or `conformance/cassandra-store`; all of them where none is named. */
function chosen(names: readonly string[]): readonly Long[] {
  const isNamed = ({ file }: Long, name: string): boolean =>
    basename(file, '.test.ts') === name || file === `test/${name}.test.ts`
  const unknown = names.filter((name) => !LONG.some((long) => isNamed(long, name)))
  if (unknown.length > 0)
    throw new Error(`${unknown.join(', ')}: expected some of ${LONG.map(({ file }) => file).join(', ')}`)
  return names.length === 0 ? LONG : LONG.filter((long) => names.some((name) => isNamed(long, name)))
}

function note({ type, data }: TestEvent): void {
  const last = results.at(-1)
  // It follows the test that said it; what the runner says of itself names no file.
  if (type === 'test:diagnostic' && data.file !== undefined && last) {
    results[results.length - 1] = { ...last, found: data.message }
    process.stdout.write(`  ${data.message}\n`)
  }
  if ((type !== 'test:pass' && type !== 'test:fail') || data.details.type === 'suite') return
  const { name: title, details, skip } = data
  const outcome = type === 'test:fail' ? 'failed' : skip === undefined ? 'passed' : 'skipped'
  const reason = {
    passed: undefined,
    skipped: String(skip),
    failed: String(('error' in details && details.error.cause) || 'failed'),
  }[outcome]
  tell({ title, outcome, durationMs: details.duration_ms, ...(reason !== undefined && { reason }) })
}

function tell(result: Result): void {
  results.push(result)
  const { title, outcome, durationMs, reason } = result
  const word = outcome === 'failed' ? 'FAILED' : outcome
  process.stdout.write(
    `${word}  ${durationOf(durationMs)}  ${title}\n${reason === undefined ? '' : `${reason}\n`}`,
  )
}

function durationOf(ms: number): string {
  return formatDuration(Math.round(ms))
}

async function report(): Promise<void> {
  const date = new Date().toISOString().slice(0, 10)
  const folder = join(root, 'docs/reports')
  const path = join(folder, `${date}-long.md`)
  const rows = rowsIn(await readFile(path, 'utf8').catch(() => ''))
  for (const result of results) rows.set(result.title, rowOf(result))
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
    ...rows.values(),
    '',
  ]
  await mkdir(folder, { recursive: true })
  await writeFile(path, lines.join('\n'))
}

/** The rows of a report by their titles; the head of the table is none. */
function rowsIn(markdown: string): Map<string, string> {
  const rows = markdown.split('\n').filter((line) => line.startsWith('| '))
  return new Map(rows.slice(1).map((row) => [row.slice(2, row.indexOf(' |')), row]))
}

function rowOf({ title, outcome, durationMs, reason, found }: Result): string {
  const said = outcome === 'passed' ? found : (reason ?? '').split('\n')[0]
  return `| ${title} | ${said === undefined ? outcome : `${outcome}: ${said.replaceAll('|', '\\|')}`} | ${durationOf(durationMs)} |`
}
