import { z } from 'zod'
import { createCheckpoint, type Checkpoint as Saved } from '../checkpoint.ts'
import type { SourceContext } from '../source.ts'
import { isCompressed } from './content.ts'
import { headOf, type Identity } from './files.ts'
import type { Format } from './framing.ts'

const reached = z.object({
  /** In inflated bytes: everything before is done. */
  offset: z.int(),
  /** Documents or rows that are done. */
  items: z.int(),
  /** Whether the offset is inside a root array. */
  inArray: z.boolean(),
  done: z.boolean(),
  framing: z.object({ format: z.enum(['json', 'ndjson', 'csv']), delimiter: z.string() }).optional(),
  columns: z.array(z.string()).optional(),
})

const state = reached.extend({
  size: z.int(),
  modifiedMs: z.number(),
  head: z.string(),
  /** Every run that moved this on. */
  runs: z.array(z.string()),
})

/** How far a file was read. */
export type Reached = z.output<typeof reached>
type State = z.output<typeof state>

/** How far one file was acknowledged. It survives restarts, and ends when the file is another one. */
export interface Checkpoint extends Pick<Saved<Reached>, 'handOver'> {
  /** Where an earlier run stopped; undefined where there is nothing to go on with. */
  readonly resume: Reached | undefined
}

/** The checkpoint of the file with this absolute path. Asking for another format than before starts over. */
export async function openCheckpoint(
  path: string,
  identity: Identity,
  { name: source, registry, run }: SourceContext,
  asked?: Format,
): Promise<Checkpoint> {
  const name = `checkpoint/${source}/${path}`
  const checkpoint = createCheckpoint({ name, found: await registry.get(name), state, registry })
  const { saved } = checkpoint
  const isAsAsked = asked === undefined || asked === saved?.framing?.format
  const resume = saved && isAsAsked ? resumeAfter(saved, identity) : undefined
  const { size, modifiedMs } = identity
  const runs = [...new Set([...(resume && saved ? saved.runs : []), run])]
  const about = { size, modifiedMs, head: headOf(identity, size), runs }

  return { resume, handOver: (reached) => checkpoint.handOver({ ...about, ...reached }) }
}

/** A file that only grew goes on, where its end is the end of a line: a compressed file or a JSON document can't grow. */
function resumeAfter(saved: State, identity: Identity): Reached | undefined {
  if (headOf(identity, saved.size) !== saved.head) return undefined
  const { offset, items, inArray, framing, columns } = saved
  const isUntouched = identity.size === saved.size && identity.modifiedMs === saved.modifiedMs
  const hasLines = framing !== undefined && framing.format !== 'json' && !isCompressed(identity.start)
  const hasGrown = identity.size > saved.size && hasLines
  return isUntouched || hasGrown
    ? { offset, items, inArray, done: isUntouched && saved.done, framing, columns }
    : undefined
}
