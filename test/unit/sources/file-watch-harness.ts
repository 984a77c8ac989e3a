import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Source, SourceContext } from '../../../src/sources/source.ts'
import { createPlace, follow, type Followed, type Place, texts } from './file-harness.ts'

/** A folder that is watched by a clock that stands still until it is told otherwise. */
export interface Watched extends Place {
  now: number
  /** What was logged. */
  readonly told: string[]
  /** What was told to be wrong, one after the other; undefined where all was well again. */
  readonly troubles: unknown[]
  /** Opens a source that watches the folder, with a new session of everything but the registry. */
  openWatch(settings?: object, more?: Partial<SourceContext>): Promise<Source>
  watch(settings?: object, more?: Partial<SourceContext>): Promise<Followed>
  /** The names of the files of which something is known. */
  checkpoints(): Promise<string[]>
}

export const SETTLE_MS = 10_000

export async function createWatched(t: TestContext): Promise<Watched> {
  const place = await createPlace(t)
  const told: string[] = []
  const troubles: unknown[] = []
  const trouble = (error: unknown): void => void troubles.push(error)
  const tell = (_: object, message: string): void => void told.push(message)
  const logger = { debug: tell, info: tell, warn: tell, error: tell }

  async function openWatch(settings: object = {}, more: Partial<SourceContext> = {}): Promise<Source> {
    const watch = { everyMs: '2ms', settleMs: `${SETTLE_MS}ms` }
    const source = await place.open(
      { files: [place.folder], watch, ...settings },
      { clock: () => watched.now, logger, trouble, ...more },
    )
    assert.ok(!('progress' in source), 'it never ends')
    return source
  }

  const watched: Watched = {
    ...place,
    now: 1_000_000,
    told,
    troubles,
    openWatch,
    watch: async (settings, more) => follow(await openWatch(settings, more)),
    async checkpoints() {
      const prefix = `checkpoint/shop/${place.folder}/`
      const entries = await Array.fromAsync(place.registry.list(prefix))
      return entries.map(({ name }) => name.slice(prefix.length)).filter((name) => !name.startsWith('~'))
    },
  }
  return watched
}

let marks = 0

/** Waits until everything was looked at once more: a file whose name comes last is read last. */
export async function lookAgain(place: Watched, files: Followed): Promise<void> {
  const path = await place.write(`~${++marks}.ndjson`, `${MARK}\n`)
  await files.until((received) => received.some(({ context }) => context.from === path))
}

const MARK = '"mark"'

/** What was received, but for the marks. */
export const items = (files: Followed): string[] => texts(files.received).filter((text) => text !== MARK)
