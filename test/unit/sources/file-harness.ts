import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Batch } from '../../../src/batch.ts'
import type { Received, Split } from '../../../src/review/received.ts'
import file from '../../../src/sources/file/index.ts'
import type { Source, SourceContext } from '../../../src/sources/source.ts'
import type { Entry, Registry } from '../../../src/stores/registry.ts'

export interface Place {
  readonly registry: Registry
  /** Writes a file of the folder and returns its path. */
  write(name: string, content: string | Uint8Array): Promise<string>
  open(settings: Settings, more?: Partial<SourceContext>): Promise<Source>
}

export interface Settings {
  readonly files: readonly string[]
  readonly [more: string]: unknown
}

export const never = new AbortController().signal

/** A folder of its own and a registry that outlives the sources, like a restart does. */
export async function createPlace(t: { after(clean: () => Promise<void>): void }): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-test-'))
  t.after(() => rm(folder, { recursive: true }))
  const registry = createRegistry()

  return {
    registry,
    async write(name, content) {
      const path = join(folder, name)
      await writeFile(path, content)
      return path
    },
    async open(settings, more) {
      return file.open(file.config.parse(settings), { ...contextOf(registry), ...more } as SourceContext)
    },
  }
}

const whole: Split = (raw) => [{ raw }]

function contextOf(registry: Registry): Partial<SourceContext> {
  return {
    name: 'shop',
    origin: 'acme',
    run: 'run-1',
    split: whole,
    clock: () => Date.now(),
    signal: never,
    registry,
  }
}

/** The contract of a registry with nothing else in the way. */
export function createRegistry(): Registry {
  const entries = new Map<string, Entry>()
  return {
    async get(name) {
      return entries.get(name)
    },
    async compareAndSet(name, revision, value) {
      if ((entries.get(name)?.revision ?? 0) !== revision) return false
      entries.set(name, { name, value: Buffer.from(value), revision: revision + 1 })
      return true
    },
    async *list(prefix) {
      for (const name of [...entries.keys()].toSorted()) {
        const entry = entries.get(name)
        if (entry && name.startsWith(prefix)) yield entry
      }
    },
    async remove(name, revision) {
      return entries.get(name)?.revision === revision && entries.delete(name)
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** Reads to the end and acknowledges everything. */
export async function readAll(source: Source): Promise<Received[]> {
  await using reading = source
  const received: Received[] = []
  for await (const batch of reading.read({ signal: never })) {
    received.push(...batch.items)
    await batch.ack()
  }
  return received
}

/** Takes so many batches and acknowledges none. */
export async function hold(source: Source, count: number): Promise<Batch<Received>[]> {
  const held: Batch<Received>[] = []
  for await (const batch of source.read({ signal: never })) {
    held.push(batch)
    if (held.length === count) break
  }
  return held
}

export const textOf = ({ raw }: Received): string => raw.toString()
export const texts = (received: readonly Received[]): string[] => received.map(textOf)

export const lines = (count: number, from = 1): string[] =>
  Array.from({ length: count }, (_, n) => `{"review_id":"R${from + n}"}`)
