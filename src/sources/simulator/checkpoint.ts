import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { SourceContext } from '../source.ts'
import { REVISION, type Sequence } from './generator.ts'

/** How far a sequence has come. It survives restarts, and ends when the source is configured differently. */
export interface Checkpoint {
  readonly startedAt: number
  /** The first index that was not acknowledged when this was opened. */
  readonly next: number
  /** Resolves when it is durable that everything before `next` was acknowledged. Only ever moves forward. */
  save(next: number): Promise<void>
}

const state = z.object({ revision: z.int(), sequence: z.unknown(), startedAt: z.int(), next: z.int() })
type State = z.output<typeof state>

/** Goes on where the source's last run stopped, or begins a new sequence now where there is none to go on with. */
export async function openCheckpoint(sequence: Sequence, context: SourceContext): Promise<Checkpoint> {
  const { registry, clock } = context
  const name = `checkpoint/${context.name}`

  async function update(change: (saved: State | undefined) => State): Promise<State> {
    while (true) {
      const entry = await registry.get(name)
      const saved = entry && decode(entry.value)
      const wanted = change(saved)
      if (wanted === saved) return saved
      if (await registry.compareAndSet(name, entry?.revision ?? 0, encode(wanted))) return wanted
    }
  }

  const begun = await update((saved) =>
    saved?.revision === REVISION && isDeepStrictEqual(saved.sequence, sequence)
      ? saved
      : { revision: REVISION, sequence, startedAt: clock(), next: 0 },
  )

  return {
    startedAt: begun.startedAt,
    next: begun.next,
    async save(next) {
      await update((saved = begun) => {
        const isOurs = saved.startedAt === begun.startedAt
        return isOurs && saved.next < next ? { ...saved, next } : saved
      })
    },
  }
}

const encode = (saved: State): Buffer => Buffer.from(JSON.stringify(saved))

function decode(value: Buffer): State | undefined {
  try {
    return state.parse(JSON.parse(value.toString()))
  } catch {
    return undefined
  }
}
