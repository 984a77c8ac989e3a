import type { Environment } from '../app.ts'
import type { Pipeline, PipelineOptions } from '../pipeline.ts'
import { HeadwaterError } from '../errors.ts'
import { countsOf } from '../services/ledger.ts'
import type { FileConfig } from '../sources/file/index.ts'
import { FAILED, type Io } from './command.ts'
import { createLive, type Live } from './live.ts'

export interface RunOptions {
  readonly pipeline: Omit<PipelineOptions, 'clock' | 'stdin'>
  readonly untilDrained: boolean
  /** Whether to tell a person how it goes. */
  readonly tell: boolean
  /** Told when everything runs. */
  readonly started?: (pipeline: Pipeline) => void | Promise<void>
  /** Told at the end, while registry and store are still open. */
  readonly ended?: (pipeline: Pipeline, summary: Summary) => Promise<void>
}

/** received = stored + unchanged + rejected, once all is settled. */
export interface Summary {
  readonly received: number
  readonly published: number
  readonly unchanged: number
  readonly rejected: number
  readonly stored: number
  readonly seconds: number
}

const TELL_EVERY_MS = 250

/** Runs a pipeline until it is drained or told to stop: once gently, twice at once. */
export async function run(env: Environment, io: Io, options: RunOptions): Promise<void> {
  const { openPipeline } = await import('../pipeline.ts')
  const clock = Date.now
  const startedAt = performance.now()
  await using pipeline = await openPipeline(env, { ...options.pipeline, clock, stdin: io.stdin })
  if (options.untilDrained && !pipeline.ends) {
    throw new HeadwaterError(
      'USAGE',
      '--until-drained: none of the sources ever ends; name a file, or a simulator with a count',
    )
  }
  using _ = onSignals(pipeline)
  await options.started?.(pipeline)

  let isCutOff = false
  const live = options.tell ? createLive(io, clock) : undefined
  const timer = live && setInterval(() => void tell(live, pipeline), TELL_EVERY_MS)
  try {
    await (options.untilDrained ? Promise.race([pipeline.drained(), pipeline.stopped]) : pipeline.stopped)
    isCutOff = options.untilDrained && io.signal.aborted
    pipeline.stop()
    await pipeline.stopped
  } finally {
    clearInterval(timer)
    live?.end()
  }
  if (pipeline.failures.length > 0 || isCutOff) io.exitCode = FAILED
  if (isCutOff) {
    const goesOn = readsInput(env) ? '' : '; the same command goes on from here'
    io.stderr.write(`Stopped before the end${goesOn}.\n`)
  }
  await options.ended?.(pipeline, await summarise(pipeline, (performance.now() - startedAt) / 1000))
}

/** The standard input is the one thing that nobody can go on with; its source says what to do. */
function readsInput({ config }: Environment): boolean {
  return config.sources.some(
    ({ type, settings, enabled }) =>
      enabled && type === 'file' && (settings as FileConfig).files.includes('-'),
  )
}

async function tell(live: Live, pipeline: Pipeline): Promise<void> {
  try {
    live.update(await pipeline.status())
  } catch {
    // The queue is being closed, or can't say; the next look, or the end, will tell.
  }
}

/** What was settled is counted in the registry, not in memory: it is still true after a kill. */
async function summarise(pipeline: Pipeline, seconds: number): Promise<Summary> {
  const { received, published, repeated } = pipeline.tally
  const { stored, rejected, unchanged } = await countsOf(pipeline.registry, pipeline.run)
  return {
    received,
    published,
    unchanged: unchanged + repeated,
    rejected,
    stored,
    seconds: Math.round(seconds * 100) / 100,
  }
}

function onSignals(pipeline: Pipeline): Disposable {
  let told = 0
  const onSignal = (): void => (++told === 1 ? pipeline.stop() : pipeline.kill())
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)
  return {
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, onSignal)
    },
  }
}
