import { z } from 'zod'
import type { Registry } from '../../stores/registry.ts'
import type { SourceContext } from '../source.ts'
import { LONGEST_WAIT_MS } from './retry-after.ts'

const state = z.object({ until: z.number() })

/** How long a provider asked to be left alone. It survives restarts. */
export interface Pause {
  /** What was left of it when this was opened: never more than a day, whatever the clocks say. */
  readonly leftMs: number
  /** Resolves when it is durable that it begins now and takes so long. */
  begin(ms: number): Promise<void>
}

export async function openPause({
  name: source,
  registry,
  clock,
}: Pick<SourceContext, 'name' | 'registry' | 'clock'>): Promise<Pause> {
  const name = nameOf(source)
  const left = ((await pausedUntil({ name: source, registry })) ?? 0) - clock()

  return {
    leftMs: Math.min(LONGEST_WAIT_MS, Math.max(0, left)),
    async begin(ms) {
      const value = Buffer.from(JSON.stringify({ until: clock() + ms }))
      while (true) {
        const entry = await registry.get(name)
        if (await registry.compareAndSet(name, entry?.revision ?? 0, value)) return
      }
    },
  }
}

/** Until when a provider asked to be left alone, in milliseconds since 1970; it may be over. */
export async function pausedUntil({
  name: source,
  registry,
}: {
  readonly name: string
  readonly registry: Pick<Registry, 'get'>
}): Promise<number | undefined> {
  const found = await registry.get(nameOf(source))
  return found && untilOf(found.value)
}

const nameOf = (source: string): string => `pause/${source}`

function untilOf(value: Buffer): number {
  try {
    return state.parse(JSON.parse(value.toString())).until
  } catch {
    return 0
  }
}
