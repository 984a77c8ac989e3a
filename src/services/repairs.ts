import { setTimeout as sleep } from 'node:timers/promises'
import { HeadwaterError } from '../errors.ts'
import { every } from '../lib/every.ts'
import { formatBytes } from '../lib/units.ts'
import type { Repair } from '../review/repair.ts'
import type { Registry } from '../stores/registry.ts'

/** A repair that a source keeps as a rule: whatever it brings from then on is mended on arrival. */
export interface KeptRepair extends Pick<Repair, 'id' | 'mends' | 'steps'> {
  /** Who keeps it, and since when (RFC 3339). */
  readonly by: string
  readonly at: string
}

/** The repairs that sources keep, in the registry. What is written here is picked up by running processes within seconds. */
export interface KeptRepairs {
  /** In the order in which they are applied; of one source, or of all. */
  list(source?: string): Promise<readonly (KeptRepair & { readonly source: string })[]>
  /** Resolves to what is kept. One that is kept already stays as it is. */
  keep(source: string, repair: Repair, about: Pick<KeptRepair, 'by' | 'at'>): Promise<KeptRepair>
  /** False where the source keeps no such repair. What it has mended stays mended. */
  drop(source: string, id: string): Promise<boolean>
}

const LIST = 'repairs/'
/** What a source keeps is one entry of the registry, which every process reads again and again. */
const MAX_BYTES = 65_536

export function keptRepairs(registry: Registry): KeptRepairs {
  /** Writes what `change` makes of the list; undefined leaves it as it is. */
  async function update(
    source: string,
    change: (repairs: readonly KeptRepair[]) => readonly KeptRepair[] | undefined,
  ): Promise<void> {
    while (true) {
      const entry = await registry.get(LIST + source)
      const repairs = change(entry ? decode(entry.value) : [])
      if (repairs === undefined) return
      const revision = entry?.revision ?? 0
      const isDone =
        repairs.length === 0
          ? await registry.remove(LIST + source, revision)
          : await registry.compareAndSet(LIST + source, revision, encode(repairs))
      if (isDone) return
    }
  }

  return {
    async list(source) {
      const all: (KeptRepair & { readonly source: string })[] = []
      for await (const [name, repairs] of read(registry)) {
        if (source === undefined || name === source)
          all.push(...repairs.map((repair) => ({ source: name, ...repair })))
      }
      return all
    },
    async keep(source, { id, mends, steps }, { by, at }) {
      let kept: KeptRepair = { id, mends, steps, by, at }
      await update(source, (repairs) => {
        const known = repairs.find((repair) => repair.id === id)
        kept = known ?? kept
        return known ? undefined : [...repairs, kept]
      })
      return kept
    },
    async drop(source, id) {
      let isKept = false
      await update(source, (repairs) => {
        isKept = repairs.some((repair) => repair.id === id)
        return isKept ? repairs.filter((repair) => repair.id !== id) : undefined
      })
      return isKept
    },
  }
}

/** What sources keep, as it is known now. */
export interface RepairsWatch extends AsyncDisposable {
  /** The same list until it changes. */
  of(source: string): readonly Repair[]
}

export interface WatchOptions {
  readonly onChange: (source: string, repairs: readonly Repair[]) => void
  /** The list could not be read: what is known holds. */
  readonly onTrouble: (error: unknown) => void
  /** How often it is read; every 2 seconds unless told. */
  readonly everyMs?: number
}

/**
 * Reads the list again and again. The first look is waited for, so that nothing is judged without a rule that is there, but no
 * longer than until the next one: where the registry is away, nothing is known at first, and later what was read last.
 */
export async function watchRepairs(registry: Registry, options: WatchOptions): Promise<RepairsWatch> {
  const { onChange, onTrouble, everyMs = 2_000 } = options
  const known = new Map<string, Known>()
  const closed = new AbortController()
  const { signal } = closed

  async function look(): Promise<void> {
    const now = new Map(await Array.fromAsync(read(registry, signal)))
    for (const source of new Set([...known.keys(), ...now.keys()])) learn(source, now.get(source) ?? [])
  }

  function learn(source: string, kept: readonly KeptRepair[]): void {
    const repairs = kept.map(({ id, mends, steps }): Repair => ({ id, mends, steps }))
    const name = repairs.map(({ id }) => id).join()
    if (name === (known.get(source)?.name ?? '')) return
    known.set(source, { name, repairs })
    onChange(source, repairs)
  }

  const first = look().catch((error: unknown) => {
    if (!signal.aborted) onTrouble(error)
  })
  await Promise.race([first, sleep(everyMs, undefined, { signal }).catch(() => {})])
  const watching = first.then(() => every(everyMs, look, signal, onTrouble))

  return {
    of: (source) => known.get(source)?.repairs ?? NONE,
    async [Symbol.asyncDispose]() {
      closed.abort()
      await watching
    },
  }
}

interface Known {
  /** Their ids, in their order. */
  readonly name: string
  readonly repairs: readonly Repair[]
}

const NONE: readonly Repair[] = []

async function* read(
  registry: Registry,
  signal?: AbortSignal,
): AsyncGenerator<readonly [source: string, repairs: readonly KeptRepair[]]> {
  for await (const { name, value } of registry.list(LIST, signal && { signal }))
    yield [name.slice(LIST.length), decode(value)]
}

const decode = (value: Buffer): readonly KeptRepair[] =>
  (JSON.parse(value.toString()) as { readonly repairs: readonly KeptRepair[] }).repairs

function encode(repairs: readonly KeptRepair[]): Buffer {
  const value = Buffer.from(JSON.stringify({ repairs }))
  if (value.length <= MAX_BYTES) return value
  throw new HeadwaterError(
    'USAGE',
    `a source keeps at most ${formatBytes(MAX_BYTES)} of repairs: drop some, see \`headwater dlq repairs\`, or correct its preset`,
  )
}
