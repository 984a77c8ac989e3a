import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

type Completed = Extract<TestEvent, { type: 'test:complete' }>['data']

/** What is known of one test file so far. */
interface FileRun {
  passed: number
  readonly failures: Failure[]
  /** The reason of each skipped test. */
  readonly skipped: string[]
  /** The names of tests and suites, by id, with what they are in. */
  readonly titles: Map<number, { readonly name: string; readonly parent: number | undefined }>
  /** What it printed and what the runner noted: shown only when something failed. */
  readonly output: string[]
}

interface Failure {
  readonly title: string
  readonly error: string
}

/**
 * A line for each test file, every failure in full at once and again at the end, the reasons of skipped tests, and as
 * the very last line the totals. A file, or a run, without a test is a failure.
 */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  const files = new Map<string, FileRun>()
  const runOf = (path: string): FileRun => {
    const run = files.get(path) ?? { passed: 0, failures: [], skipped: [], titles: new Map(), output: [] }
    files.set(path, run)
    return run
  }

  for await (const { type, data } of events) {
    const path = entryFile(data)
    if (type === 'test:enqueue' && path) {
      runOf(path).titles.set(data.testId, { name: data.name, parent: data.parentId })
    } else if ((type === 'test:stdout' || type === 'test:stderr' || type === 'test:diagnostic') && path) {
      runOf(path).output.push(type === 'test:diagnostic' ? `${data.message}\n` : data.message)
    } else if (type === 'test:complete' && path) {
      count(runOf(path), data)
    } else if (type === 'test:complete' && data.file) {
      const run = runOf(data.file)
      close(run, data)
      yield fileLine(data.file, run, data.details.duration_ms) + failuresOf(data.file, run)
    } else if (type === 'test:interrupted') {
      yield `stopped while running ${data.tests.map(({ file, name }) => shortPath(file ?? name)).join(', ')}\n`
    }
  }
  yield* ending(files)
}

/** The file whose process a test, or a line of output, comes from. What the runner says of a file as a whole has none. */
function entryFile(data: object | undefined): string | undefined {
  return data && 'entryFile' in data && typeof data.entryFile === 'string' ? data.entryFile : undefined
}

function count(run: FileRun, test: Completed): void {
  const { error, type } = test.details
  const reason = skipReason(test)
  if (reason !== undefined) run.skipped.push(reason)
  else if (error && !isOnlyOfSubtests(error))
    run.failures.push({ title: titleOf(run, test), error: print(error) })
  else if (!error && type !== 'suite') run.passed++
}

/** Where a file fails that reported nothing wrong itself, it failed outside its tests. */
function close(run: FileRun, { details: { error } }: Completed): void {
  const tests = run.passed + run.failures.length + run.skipped.length
  if (error && !isOnlyOfSubtests(error))
    run.failures.push({ title: 'outside its tests', error: endOf(error) })
  else if (error && run.failures.length === 0)
    run.failures.push({ title: 'a part of it', error: print(error) })
  else if (tests === 0) run.failures.push({ title: 'no test', error: 'this file ran no test' })
}

function skipReason({ skip, todo }: Completed): string | undefined {
  if (typeof skip === 'string' && skip) return skip
  if (typeof todo === 'string' && todo) return `to do: ${todo}`
  return skip || skip === '' || todo || todo === '' ? 'no reason given' : undefined
}

function isOnlyOfSubtests(error: Error): boolean {
  return 'failureType' in error && error.failureType === 'subtestsFailed'
}

function titleOf({ titles }: FileRun, { name, parentId }: Completed): string {
  const path = [name]
  for (let at = parentId && titles.get(parentId); at; at = at.parent && titles.get(at.parent))
    path.unshift(at.name)
  return path.join(' › ')
}

/** The cause is what the test threw; the runner's wrapper says nothing more, but where a hook failed. */
function print(error: Error): string {
  const { cause } = error
  const isAssertion = cause instanceof Error && 'code' in cause && cause.code === 'ERR_ASSERTION'
  const thrown = isAssertion
    ? cause.stack
    : typeof cause === 'string'
      ? cause
      : inspect(cause ?? error, { depth: 6 })
  const note = 'failureType' in error && error.failureType === 'hookFailed' ? `${error.message}\n` : ''
  return `${note}${thrown}`.replaceAll(/\n +at .*\bnode:.*/g, '')
}

function endOf(error: Error): string {
  if ('signal' in error && typeof error.signal === 'string') return `its process was ended by ${error.signal}`
  if ('exitCode' in error && typeof error.exitCode === 'number')
    return `its process ended with exit code ${error.exitCode}`
  return print(error)
}

function fileLine(path: string, run: FileRun, ms: number): string {
  const mark = run.failures.length > 0 ? 'FAILED' : 'ok    '
  const parts = [`${run.passed} passed`]
  if (run.failures.length > 0) parts.push(`${run.failures.length} failed`)
  if (run.skipped.length > 0) parts.push(`${run.skipped.length} skipped`)
  return `${mark} ${shortPath(path)}  ${parts.join(', ')}  ${(ms / 1000).toFixed(1)} s\n`
}

function failuresOf(path: string, { failures, output }: FileRun): string {
  if (failures.length === 0) return ''
  const each = failures.map(({ title, error }) => `\n${shortPath(path)} › ${title}\n${indented(error)}\n`)
  const printed = output.join('').trimEnd().split('\n').slice(-200).join('\n')
  return `${each.join('')}${printed && `\n${shortPath(path)} printed:\n${indented(printed)}\n`}\n`
}

function* ending(files: ReadonlyMap<string, FileRun>): Generator<string> {
  const runs = [...files.values()]
  const passed = runs.reduce((sum, run) => sum + run.passed, 0)
  const failed = runs.reduce((sum, run) => sum + run.failures.length, 0)
  const skipped = runs.flatMap((run) => run.skipped)

  if (failed > 0) yield '\nfailed:\n'
  for (const [path, run] of files) yield failuresOf(path, run)
  if (skipped.length > 0) yield '\nskipped, and why:\n'
  for (const [reason, times] of tally(skipped)) yield `${String(times).padStart(5)}  ${reason}\n`
  if (passed + failed === 0) yield '\nNO TEST PASSED OR FAILED: this run proves nothing.\n'
  if (passed + failed === 0 || failed > 0) process.exitCode = 1
  yield `\n${passed} passed, ${failed} failed, ${skipped.length} skipped\n`
}

function tally(reasons: readonly string[]): [string, number][] {
  const times = Object.entries(Object.groupBy(reasons, (reason) => reason)).map(
    ([reason, same]): [string, number] => [reason, same?.length ?? 0],
  )
  return times.toSorted(([, a], [, b]) => b - a)
}

const shortPath = (path: string): string => relative(process.cwd(), path)
const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, '    ')
