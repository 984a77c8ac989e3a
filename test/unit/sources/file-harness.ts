import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Batch } from '../../../src/batch.ts'
import type { Received, Split } from '../../../src/review/received.ts'
import file from '../../../src/sources/file/index.ts'
import type { Source, SourceContext } from '../../../src/sources/source.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { createMemoryRegistry } from '../../conformance/memory-registry.ts'

export interface Place {
  readonly folder: string
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
  const registry = createMemoryRegistry()

  return {
    folder,
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
    trouble: () => {},
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

/** A source that is read in the background, everything acknowledged, until it is disposed. */
export interface Followed extends AsyncDisposable {
  readonly received: readonly Received[]
  /** Resolves to what has come when that is so many items, or these. */
  until(isEnough: number | ((received: readonly Received[]) => boolean)): Promise<string[]>
}

export function follow(source: Source): Followed {
  const received: Received[] = []
  const stop = new AbortController()
  let more = Promise.withResolvers<void>()

  async function read(): Promise<void> {
    await using reading = source
    for await (const batch of reading.read({ signal: stop.signal })) {
      received.push(...batch.items)
      await batch.ack()
      more.resolve()
      more = Promise.withResolvers()
    }
  }
  const failed = read().then(() => assert.ok(stop.signal.aborted, 'the source has ended'))
  failed.catch(() => {}) // whoever waits for items, or disposes of it, hears of it

  return {
    received,
    async until(wanted) {
      const isEnough = typeof wanted === 'number' ? () => received.length >= wanted : wanted
      while (!isEnough(received)) await Promise.race([more.promise, failed])
      return texts(received)
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await failed
    },
  }
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
