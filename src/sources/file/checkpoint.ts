import { z } from 'zod'
import { HeadwaterError, TransientError } from '../../errors.ts'
import type { Entry } from '../../stores/registry.ts'
import type { SourceContext } from '../source.ts'
import { headOf, type Identity } from './files.ts'
import { FORMATS, type Format, type Framing } from './framing.ts'
import { inflaterOf } from './inflate.ts'

const reached = z.object({
  /** In inflated bytes: everything before is done. In a file of lines it is never in the middle of one. */
  offset: z.int(),
  /** Documents or rows that are done. */
  items: z.int(),
  /** Whether the offset is inside a root array. */
  inArray: z.boolean(),
  done: z.boolean(),
  framing: z.object({ format: z.enum(FORMATS), delimiter: z.string() }).optional(),
  columns: z.array(z.string()).optional(),
})

const state = reached.extend({
  size: z.int(),
  modifiedMs: z.number(),
  head: z.string(),
  /** The run that moved this on. */
  run: z.string(),
})

/** How far a file was read. */
export type Reached = z.output<typeof reached>
type State = z.output<typeof state>

/** How far one file was acknowledged. It survives restarts, and ends when the file is another one. */
export interface Checkpoint {
  /** Where an earlier run stopped; undefined where there is nothing to go on with. */
  readonly resume: Reached | undefined
  /**
   * Takes note that a batch which reaches this far is handed over next, and returns its acknowledgement. Only what was
   * acknowledged without a gap is saved.
   */
  handOver(reached: Reached): () => Promise<void>
}

/** The checkpoint of the file with this absolute path. Asking for another format than before starts over. */
export async function openCheckpoint(
  path: string,
  identity: Identity,
  { name: source, registry, run }: SourceContext,
  asked?: Format,
): Promise<Checkpoint> {
  const name = `checkpoint/${source}/${path}`
  const found = await registry.get(name)
  const saved = found && decode(found)
  const isAsAsked = asked === undefined || asked === saved?.framing?.format
  const resume = saved && isAsAsked ? resumeAfter(saved, identity) : undefined
  const { size, modifiedMs } = identity
  const about = { size, modifiedMs, head: headOf(identity, size), run }

  const handedOver: { readonly reached: Reached; isAcknowledged: boolean }[] = []
  /** What the registry may hold if nobody else writes there: an attempt that failed may have gone through. */
  let ours = [found?.value]
  let saving = Promise.resolve()

  async function save(): Promise<void> {
    const gap = handedOver.findIndex(({ isAcknowledged }) => !isAcknowledged)
    const count = gap === -1 ? handedOver.length : gap
    const last = handedOver[count - 1]
    if (last === undefined) return
    await write(Buffer.from(JSON.stringify({ ...about, ...last.reached } satisfies State)))
    handedOver.splice(0, count)
  }

  async function write(value: Buffer): Promise<void> {
    const current = await registry.get(name)
    if (!ours.some((known) => isSame(known, current?.value))) {
      throw new HeadwaterError('CHECKPOINT_TAKEN', `${path} is being read by another process as ${source}`)
    }
    ours = [current?.value, value]
    if (!(await registry.compareAndSet(name, current?.revision ?? 0, value))) {
      throw new TransientError('CHECKPOINT_TAKEN', `the checkpoint of ${path} changed while it was written`)
    }
  }

  return {
    resume,
    handOver(reached) {
      const batch = { reached, isAcknowledged: false }
      handedOver.push(batch)
      return () => {
        batch.isAcknowledged = true
        saving = saving.catch(() => {}).then(save)
        return saving
      }
    },
  }
}

/** Whether the file may grow by lines: a compressed file or a JSON document can't. */
export function mayGrow(framing: Framing | undefined, { start }: Identity): boolean {
  return framing !== undefined && framing.format !== 'json' && inflaterOf(start) === undefined
}

/** What is known of the files of a source, by their absolute paths. */
export async function* savedFiles({ name, registry }: Pick<SourceContext, 'name' | 'registry'>) {
  const prefix = `checkpoint/${name}/`
  for await (const entry of registry.list(prefix)) {
    const saved = decode(entry)
    if (saved) yield { absolute: entry.name.slice(prefix.length), ...saved }
  }
}

/** Forgets a file that is no more. */
export async function forgetFile(absolute: string, { name, registry }: SourceContext): Promise<void> {
  const entry = await registry.get(`checkpoint/${name}/${absolute}`)
  if (entry) await registry.remove(entry.name, entry.revision)
}

/** A file that only grew goes on, where it grows by lines. */
function resumeAfter(saved: State, identity: Identity): Reached | undefined {
  if (headOf(identity, saved.size) !== saved.head) return undefined
  const { offset, items, inArray, framing, columns } = saved
  const isUntouched = identity.size === saved.size && identity.modifiedMs === saved.modifiedMs
  const hasGrown = identity.size > saved.size && mayGrow(framing, identity)
  return isUntouched || hasGrown
    ? { offset, items, inArray, done: isUntouched && saved.done, framing, columns }
    : undefined
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
