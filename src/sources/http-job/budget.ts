import { z } from 'zod'
import type { SourceContext } from '../source.ts'
import type { Config } from './config.ts'

const state = z.object({ since: z.number(), used: z.int().min(0) })

/** How many jobs may be begun. It survives restarts, and no crash gives anything back. */
export interface Budget {
  /** Takes one job out. Resolves to 0 once that is durable, or to how long it takes until there is one. */
  take(): Promise<number>
  /** Gives back what was taken for a job that was certainly not begun. */
  giveBack(): Promise<void>
  /** Until when nothing is left, as was last seen; past where something may be. */
  readonly spentUntil: number
}

/** A window begins with its first job. */
export function openBudget(
  budget: Config['budget'],
  { name: source, registry }: Pick<SourceContext, 'name' | 'registry'>,
  now: () => number,
): Budget {
  if (budget === undefined) return { take: async () => 0, giveBack: async () => {}, spentUntil: 0 }
  const { jobs, perMs } = budget
  const name = `job/${source}/budget`
  let spentUntil = 0

  /** Resolves to what `next` makes of the window, once that is saved; undefined leaves it as it is. */
  async function change(next: (used: number) => number | undefined): Promise<number> {
    while (true) {
      const entry = await registry.get(name)
      const window = entry && windowOf(entry.value)
      const at = now()
      const isOpen = window !== undefined && at >= window.since && at < window.since + perMs
      const { since, used } = isOpen ? window : { since: at, used: 0 }
      const left = next(used)
      if (left === undefined) {
        spentUntil = since + perMs
        return spentUntil - at
      }
      const value = Buffer.from(JSON.stringify({ since, used: left }))
      if (await registry.compareAndSet(name, entry?.revision ?? 0, value)) return 0
    }
  }

  return {
    take: () => change((used) => (used < jobs ? used + 1 : undefined)),
    async giveBack() {
      await change((used) => Math.max(0, used - 1))
      spentUntil = 0
    },
    get spentUntil() {
      return spentUntil
    },
  }
}

function windowOf(value: Buffer): z.output<typeof state> | undefined {
  try {
    return state.parse(JSON.parse(value.toString()))
  } catch {
    return undefined
  }
}
