import { z } from 'zod'
import { forgetPart, openCheckpoint, savedParts } from '../checkpoint.ts'
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
export interface FileCheckpoint {
  /** Where an earlier run stopped; undefined where there is nothing to go on with. */
  readonly resume: Reached | undefined
  /** As of every checkpoint. */
  handOver(reached: Reached): () => Promise<void>
}

/** The checkpoint of the file with this absolute path. Asking for another format than before starts over. */
export async function openFileCheckpoint(
  path: string,
  identity: Identity,
  context: SourceContext,
  asked?: Format,
): Promise<FileCheckpoint> {
  const checkpoint = await openCheckpoint(context, state, path)
  const { saved } = checkpoint
  const isAsAsked = asked === undefined || asked === saved?.framing?.format
  const { size, modifiedMs } = identity
  const about = { size, modifiedMs, head: headOf(identity, size), run: context.run }
  return {
    resume: saved && isAsAsked ? resumeAfter(saved, identity) : undefined,
    handOver: (upTo) => checkpoint.handOver({ ...about, ...upTo }),
  }
}

/** What is known of the files of a source, by their absolute paths. */
export async function* savedFiles(context: SourceContext) {
  for await (const { part, saved } of savedParts(context, state))
    if (saved) yield { absolute: part, ...saved }
}

/** Forgets a file that is no more. */
export const forgetFile = (absolute: string, context: SourceContext): Promise<void> =>
  forgetPart(context, absolute)

/** Whether the file may grow by lines: a compressed file or a JSON document can't. */
export function mayGrow(framing: Framing | undefined, { start }: Identity): boolean {
  return framing !== undefined && framing.format !== 'json' && inflaterOf(start) === undefined
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
