import { lstat, opendir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Polling } from '../sources/source.ts'
import { type Drifted, type Health, limited, type Pause, type SourceState } from './health.ts'
import type { Flow, Metrics } from './metrics.ts'

/** How the process is at one moment: what nobody counts as it happens. */
export interface Vitals {
  /** Milliseconds since 1970, for people. */
  readonly at: number
  /** The same moment in milliseconds that nobody sets, for durations. */
  readonly steadyMs: number
  readonly sources: readonly SourceVitals[]
  /** What the queue could not tell now is as it was told last. */
  readonly topics: readonly TopicVitals[]
  /** The disk of the data folder, where it can be told. */
  readonly disk?: DiskVitals | undefined
  /** What dead letters take of the store, where it can tell. */
  readonly deadLetters?: DeadLetterVitals | undefined
  /** What does not answer, and why. */
  readonly unready: readonly string[]
  /** The loops that don't turn. */
  readonly stuck: readonly string[]
}

export interface SourceVitals extends Flow {
  readonly name: string
  readonly state: SourceState
  readonly detail?: string | undefined
  /** Fields of what it sends that are not what they were. */
  readonly drifted?: readonly Drifted[] | undefined
  /** Where it polls. */
  readonly polling?: Polling | undefined
}

/** What a queue says of a topic, as far as it can tell. */
export interface TopicVitals {
  readonly topic: string
  /** Messages that the storage service has not acknowledged, and for how long the oldest has waited. */
  readonly backlog?: number | undefined
  readonly oldestAgeMs?: number | undefined
}

export interface DiskVitals {
  /** What may still be written, and how much the whole disk takes. */
  readonly freeBytes: number
  readonly sizeBytes: number
  /** What the data folder takes of it; not told of a folder with very many files. */
  readonly dataBytes?: number | undefined
}

/** In bytes of raw. */
export interface DeadLetterVitals {
  readonly bytes: number
  readonly maxBytes: number
}

export interface VitalsOptions {
  readonly health: Health
  readonly metrics: Metrics
  /** How a source keeps up with its provider; undefined where it does not poll. */
  readonly polling: (source: string) => Polling | undefined
  /** Whether a source is paused, and since when it is not any more. */
  readonly pauseOf: (source: string) => Pause
  /** By topic, what its queue says of itself. */
  readonly topics: Readonly<Record<string, TopicQuestions>>
  /** What dead letters take; undefined where the store can't tell. */
  readonly deadLetters: { readonly bytes: Ask<number | undefined>; readonly maxBytes: number }
  readonly dataDir: string
  readonly clock: () => number
  readonly steady: () => number
  /** How long one question may take: a queue that is down must not keep anybody from hearing of it. */
  readonly limitMs?: number
}

/** Each is undefined where the queue can't tell. */
export type TopicQuestions = Readonly<Record<'backlog' | 'oldestAgeMs', Ask<number | undefined>>>

type Ask<T> = (signal: AbortSignal) => Promise<T>

/** What the data folder takes is measured so often at most, and not at all where it has more files. */
const MEASURE_EVERY_MS = 60_000
const MEASURED_FILES = 1_000

/**
 * Looks at everything and shows it in the metrics. It never throws and always comes to an end; whoever looks while another
 * look is under way gets that one.
 */
export function createLook(options: VitalsOptions): () => Promise<Vitals> {
  const { health, metrics, polling, pauseOf, dataDir, clock, steady, limitMs = 2_000 } = options
  const topics = Object.entries(options.topics).map(([topic, { backlog, oldestAgeMs }]) => {
    const questions = [createQuestion(backlog, limitMs), createQuestion(oldestAgeMs, limitMs)]
    return async (): Promise<TopicVitals> => {
      const [messages, ageMs] = await Promise.all(questions.map((question) => question()))
      return { topic, backlog: messages, oldestAgeMs: ageMs }
    }
  })
  const disk = createQuestion(() => statfs(dataDir), limitMs)
  const dead = createQuestion(options.deadLetters.bytes, limitMs)
  const used = createQuestion(() => usedBy(dataDir), limitMs)
  let measured: { readonly dataBytes: number | undefined; readonly at: number } | undefined

  async function lookAtDisk(): Promise<DiskVitals | undefined> {
    if (!measured || steady() - measured.at >= MEASURE_EVERY_MS) {
      measured = { dataBytes: await used(), at: steady() }
    }
    const now = await disk()
    if (!now) return undefined
    const { bavail, blocks, bsize } = now
    return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize, dataBytes: measured.dataBytes }
  }

  async function lookAtDeadLetters(): Promise<DeadLetterVitals | undefined> {
    const bytes = await dead()
    return bytes === undefined ? undefined : { bytes, maxBytes: options.deadLetters.maxBytes }
  }

  /** A source was not silent while nothing was asked of it. */
  function flowOf(name: string, now: number): Flow {
    const flow = metrics.flow(name)
    const { paused, at } = pauseOf(name)
    if (paused || at === undefined) return flow
    return { ...flow, quietMs: Math.min(flow.quietMs, Math.max(0, now - at)) }
  }

  async function look(): Promise<Vitals> {
    const [ready, nowDisk, nowDead, ...nowTopics] = await Promise.all([
      health.ready(),
      lookAtDisk(),
      lookAtDeadLetters(),
      ...topics.map((lookAt) => lookAt()),
    ])
    const at = clock()
    const vitals: Vitals = {
      at,
      steadyMs: steady(),
      sources: health.sources().map(({ name, state, detail, drifted }) => {
        const sent = drifted && { drifted }
        return { ...flowOf(name, at), name, state, detail, ...sent, polling: polling(name) }
      }),
      topics: nowTopics,
      disk: nowDisk,
      deadLetters: nowDead,
      unready: ready.checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`),
      stuck: health
        .live()
        .loops.filter(({ ok }) => !ok)
        .map(({ name }) => name),
    }
    metrics.observe(vitals)
    return vitals
  }

  let looking: Promise<Vitals> | undefined
  return () => {
    looking ??= look().finally(() => {
      looking = undefined
    })
    return looking
  }
}

/**
 * A question whose answer is the one given last where none comes in time. It is not asked again before the last asking has
 * come to its end: what hangs for ever hangs once.
 */
function createQuestion<T>(ask: Ask<T>, limitMs: number): () => Promise<T | undefined> {
  let last: T | undefined
  let asking: Promise<void> | undefined

  async function answer(signal: AbortSignal): Promise<void> {
    last = await ask(signal)
  }

  return async () => {
    try {
      await limited(async (signal) => {
        asking ??= answer(signal).finally(() => {
          asking = undefined
        })
        await asking
      }, limitMs)
    } catch {
      // That something does not answer is told as not ready.
    }
    return last
  }
}

const BLOCK_BYTES = 512

/** What the files take on the disk, which is less than their size where they have holes. Undefined where they are many. */
async function usedBy(folder: string): Promise<number | undefined> {
  const folders = [folder]
  let files = 0
  let bytes = 0
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for await (const entry of await opendir(next)) {
      if (++files > MEASURED_FILES) return undefined
      const path = join(next, entry.name)
      if (entry.isDirectory()) folders.push(path)
      bytes += await lstat(path).then(
        ({ blocks }) => blocks * BLOCK_BYTES,
        () => 0, // it is gone by now
      )
    }
  }
  return bytes
}
