import { lstat, readdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { type Health, limited, type SourceState } from './health.ts'
import type { Flow, Metrics } from './metrics.ts'

/** How the process is at one moment: what nobody counts as it happens. */
export interface Vitals {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly sources: readonly SourceVitals[]
  /** What the queue could not tell now is as it was told last. */
  readonly topics: readonly TopicVitals[]
  /** The disk of the data folder, where it can be told. */
  readonly disk?: DiskVitals | undefined
  /** What does not answer, and why. */
  readonly unready: readonly string[]
  /** The loops that don't turn. */
  readonly stuck: readonly string[]
}

export interface SourceVitals extends Flow {
  readonly name: string
  readonly state: SourceState
  readonly detail?: string | undefined
}

export interface TopicVitals {
  readonly topic: string
  /** Messages that the storage service has not acknowledged, and for how long the oldest has waited. */
  readonly backlog: number
  readonly oldestAgeMs?: number | undefined
}

export interface DiskVitals {
  /** What may still be written, and how much the whole disk takes. */
  readonly freeBytes: number
  readonly sizeBytes: number
  /** What the data folder takes of it. */
  readonly dataBytes: number
}

export interface VitalsOptions {
  readonly health: Health
  readonly metrics: Metrics
  /** By topic, what its queue says of itself. */
  readonly topics: Readonly<Record<string, TopicQuestions>>
  readonly dataDir: string
  readonly clock: () => number
}

export interface TopicQuestions {
  readonly backlog: () => Promise<number>
  /** Undefined where the queue can't tell. */
  readonly oldestAgeMs: () => Promise<number | undefined>
}

/** How long one question may take: a queue that is down must not keep anybody from hearing of it. */
const LIMIT_MS = 2_000

/** Looks at everything and shows it in the metrics. It never throws and always comes to an end. */
export function createLook({
  health,
  metrics,
  topics,
  dataDir,
  clock,
}: VitalsOptions): () => Promise<Vitals> {
  const lastTold = new Map<string, TopicVitals>()
  let disk: DiskVitals | undefined

  async function lookAtTopic(topic: string, { backlog, oldestAgeMs }: TopicQuestions): Promise<void> {
    const told = await answer(() => Promise.all([backlog(), oldestAgeMs()]))
    if (told) lastTold.set(topic, { topic, backlog: told[0], oldestAgeMs: told[1] })
  }

  return async function look() {
    const [ready, nowDisk] = await Promise.all([
      health.ready(),
      answer(() => diskOf(dataDir)),
      ...Object.entries(topics).map(([topic, questions]) => lookAtTopic(topic, questions)),
    ])
    disk = nowDisk ?? disk
    const vitals: Vitals = {
      at: clock(),
      sources: health.sources().map(({ name, state, detail }) => {
        return { ...metrics.flow(name), name, state, detail }
      }),
      topics: [...lastTold.values()],
      disk,
      unready: ready.checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`),
      stuck: health
        .live()
        .loops.filter(({ ok }) => !ok)
        .map(({ name }) => name),
    }
    metrics.observe(vitals)
    return vitals
  }
}

async function answer<T>(question: () => Promise<T>): Promise<T | undefined> {
  try {
    return await limited(question, LIMIT_MS)
  } catch {
    return undefined // that something does not answer is told as not ready
  }
}

async function diskOf(folder: string): Promise<DiskVitals> {
  const { bavail, blocks, bsize } = await statfs(folder)
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize, dataBytes: await usedBy(folder) }
}

const BLOCK_BYTES = 512

/** What the files take on the disk, which is less than their size where they have holes. */
async function usedBy(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true })
  const sizes = await Promise.all(
    entries.map((path) =>
      lstat(join(folder, path)).then(
        ({ blocks }) => blocks * BLOCK_BYTES,
        () => 0, // it is gone by now
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
