import { z } from 'zod'
import { HeadwaterError, TransientError } from '../../errors.ts'
import { createWatermark } from '../../lib/watermark.ts'
import type { Entry } from '../../stores/registry.ts'
import type { SourceContext } from '../source.ts'
import { BEGINNING } from './paging.ts'
import { LONGEST_WAIT_MS } from './retry-after.ts'

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

const state = reached.extend({
  /** What is crawled, and how: of anything else the place means nothing. */
  asked: z.string(),
  /** Nothing is asked before, since the provider said so. */
  notBefore: z.number(),
})

/** How far a crawl has come. */
export type Reached = z.output<typeof reached>
type State = z.output<typeof state>

/** How far the pages of one target were acknowledged. It survives restarts. */
export interface Checkpoint {
  /** Where to go on; the beginning, due now, where there is nothing to go on with. */
  readonly resume: Reached
  /** Until when the provider must be left alone, by an earlier run. */
  readonly notBefore: number
  /**
   * Takes note that a page behind which this is reached is handed over next, and returns its acknowledgement. Only what
   * was acknowledged without a gap is saved.
   */
  handOver(reached: Reached): () => Promise<void>
  /** Saves until when the provider must be left alone. */
  pause(notBefore: number): Promise<void>
}

export interface CheckpointOptions {
  readonly name: string
  /** What the registry has under this name. */
  readonly found: Entry | undefined
  readonly asked: string
  readonly everyMs: number
}

export function openCheckpoint(
  { name, found, asked, everyMs }: CheckpointOptions,
  { registry, clock }: Pick<SourceContext, 'registry' | 'clock'>,
): Checkpoint {
  const now = clock()
  const saved = found && decode(found)
  // A clock that was wrong when it was saved, or a longer `every`, must not stop the source for years.
  const notBefore = Math.min(saved?.notBefore ?? 0, now + LONGEST_WAIT_MS)
  const resume: Reached =
    saved?.asked === asked
      ? {
          ...saved,
          startedAt: Math.min(saved.startedAt, now),
          dueAt: Math.min(saved.dueAt, now + everyMs),
        }
      : { place: BEGINNING, last: null, startedAt: now, dueAt: now }

  let current: State = { ...resume, asked, notBefore }
  const handedOver = new Map<number, Reached>()
  const acknowledged = createWatermark(0)
  let pages = 0
  let savedPages = 0
  /** What the registry may hold if nobody else writes there: an attempt that failed may have gone through. */
  let ours = [found?.value]
  let saving = Promise.resolve()

  function inTurn(save: () => Promise<void>): Promise<void> {
    saving = saving.catch(() => {}).then(save)
    return saving
  }

  async function savePages(): Promise<void> {
    const upTo = acknowledged.value
    const last = handedOver.get(upTo - 1)
    if (last === undefined) return
    await write({ ...current, ...last })
    for (; savedPages < upTo; savedPages++) handedOver.delete(savedPages)
  }

  async function write(wanted: State): Promise<void> {
    const entry = await registry.get(name)
    if (!ours.some((known) => isSame(known, entry?.value))) {
      throw new HeadwaterError('CHECKPOINT_TAKEN', `${name} is being moved by another process`)
    }
    const value = Buffer.from(JSON.stringify(wanted))
    ours = [entry?.value, value]
    if (!(await registry.compareAndSet(name, entry?.revision ?? 0, value))) {
      throw new TransientError('CHECKPOINT_TAKEN', `${name} changed while it was written`)
    }
    current = wanted
  }

  return {
    resume,
    notBefore,
    handOver(next) {
      const page = pages++
      handedOver.set(page, next)
      return () => {
        acknowledged.settle(page, page + 1)
        return inTurn(savePages)
      }
    },
    pause: (until) => inTurn(() => write({ ...current, notBefore: until })),
  }
}

function decode({ value }: Entry): State | undefined {
  try {
    return state.parse(JSON.parse(value.toString()))
  } catch {
    return undefined
  }
}

const isSame = (a: Buffer | undefined, b: Buffer | undefined): boolean =>
  a === undefined || b === undefined ? a === b : a.equals(b)
