import { z } from 'zod'
import type { Entry } from '../../stores/registry.ts'
import { createCheckpoint, type Checkpoint as Saved } from '../checkpoint.ts'
import type { SourceContext } from '../source.ts'
import { BEGINNING } from './paging.ts'

const reached = z.object({
  /** The page to ask for next. */
  place: z.object({ page: z.int().min(1), cursor: z.string().optional(), mark: z.string().optional() }),
  /** The digest of the page before; null at the beginning. */
  last: z.string().nullable(),
  /** When this crawl began. */
  startedAt: z.number(),
  /** When the next crawl begins. */
  dueAt: z.number(),
})

/** `asked` is what is crawled, and how: of anything else the place means nothing. */
const state = reached.extend({ asked: z.string() })

/** How far a crawl has come. */
export type Reached = z.output<typeof reached>

/** How far the pages of one target were acknowledged. It survives restarts. */
export interface Checkpoint extends Pick<Saved<Reached>, 'handOver'> {
  /** Where to go on; the beginning, due now, where there is nothing to go on with. */
  readonly resume: Reached
}

export interface CheckpointOptions {
  readonly name: string
  /** What the registry has under this name. */
  readonly found: Entry | undefined
  readonly asked: string
  readonly everyMs: number
  readonly now: number
}

export function openCheckpoint(
  { name, found, asked, everyMs, now }: CheckpointOptions,
  { registry }: Pick<SourceContext, 'registry'>,
): Checkpoint {
  const checkpoint = createCheckpoint({ name, found, state, registry })
  const { saved } = checkpoint
  return {
    resume: saved?.asked === asked ? plausible(saved, now, everyMs) : beginningAt(now),
    handOver: (reached) => checkpoint.handOver({ ...reached, asked }),
  }
}

/** The beginning of a crawl that is due at that time. */
export const beginningAt = (at: number): Reached => ({
  place: BEGINNING,
  last: null,
  startedAt: at,
  dueAt: at,
})

/** A clock that was wrong when this was saved, or a longer `every`, must not stop the source for years. */
const plausible = (saved: Reached, now: number, everyMs: number): Reached => ({
  ...saved,
  startedAt: Math.min(saved.startedAt, now),
  dueAt: Math.min(saved.dueAt, now + everyMs),
})
