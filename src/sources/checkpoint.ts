import type { ZodType } from 'zod'
import { HeadwaterError, TransientError } from '../errors.ts'
import type { Entry } from '../stores/registry.ts'
import type { SourceContext } from './source.ts'

/** How far a source was acknowledged. It survives restarts. */
export interface Checkpoint<Reached> {
  /** What was saved last; undefined where nothing was, or nothing of this shape. */
  readonly saved: Reached | undefined
  /**
   * Takes note that a batch which reaches this far is handed over next, and returns its acknowledgement. Only what was
   * acknowledged without a gap is saved, in whatever order that happens.
   */
  handOver(reached: Reached): () => Promise<void>
}

/**
 * The checkpoint of a source, or of one part of it; the schema is that of what is saved, as JSON. An acknowledgement
 * throws `CHECKPOINT_TAKEN` where another process moves the same one.
 */
export async function openCheckpoint<Reached>(
  { name: source, registry }: Pick<SourceContext, 'name' | 'registry'>,
  schema: ZodType<Reached>,
  part?: string,
): Promise<Checkpoint<Reached>> {
  const name = nameOf(source, part)
  const found = await registry.get(name)
  const handedOver: { readonly reached: Reached; isAcknowledged: boolean }[] = []
  /** What the registry may hold if nobody else writes there: an attempt that failed may have gone through. */
  let ours = [found?.value]
  let saving = Promise.resolve()

  async function save(): Promise<void> {
    const gap = handedOver.findIndex(({ isAcknowledged }) => !isAcknowledged)
    const count = gap === -1 ? handedOver.length : gap
    const last = handedOver[count - 1]
    if (last === undefined) return
    await write(Buffer.from(JSON.stringify(last.reached)))
    handedOver.splice(0, count)
  }

  async function write(value: Buffer): Promise<void> {
    const current = await registry.get(name)
    if (!ours.some((known) => isSame(known, current?.value))) {
      throw new HeadwaterError('CHECKPOINT_TAKEN', `${name} is being moved by another process`)
    }
    ours = [current?.value, value]
    if (!(await registry.compareAndSet(name, current?.revision ?? 0, value))) {
      throw new TransientError('CHECKPOINT_TAKEN', `${name} changed while it was written`)
    }
  }

  return {
    saved: found && decode(found, schema),
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

/** Every part of a source of which something is saved. */
export async function* savedParts<Reached>(
  { name: source, registry }: Pick<SourceContext, 'name' | 'registry'>,
  schema: ZodType<Reached>,
): AsyncGenerator<{ readonly part: string; readonly saved: Reached | undefined }, void, undefined> {
  const prefix = nameOf(source, '')
  for await (const entry of registry.list(prefix)) {
    yield { part: entry.name.slice(prefix.length), saved: decode(entry, schema) }
  }
}

/** Forgets what is saved of one part of a source. */
export async function forgetPart(
  { name: source, registry }: Pick<SourceContext, 'name' | 'registry'>,
  part: string,
): Promise<void> {
  const entry = await registry.get(nameOf(source, part))
  if (entry) await registry.remove(entry.name, entry.revision)
}

const nameOf = (source: string, part?: string): string =>
  part === undefined ? `checkpoint/${source}` : `checkpoint/${source}/${part}`

function decode<Reached>({ value }: Entry, schema: ZodType<Reached>): Reached | undefined {
  try {
    return schema.parse(JSON.parse(value.toString()))
  } catch {
    return undefined
  }
}

const isSame = (a: Buffer | undefined, b: Buffer | undefined): boolean =>
  a === undefined || b === undefined ? a === b : a.equals(b)
