import { z, type ZodType } from 'zod'
import type { Cancellable } from '../batch.ts'
import { HeadwaterError, TransientError } from '../errors.ts'
import type { Entry, Registry } from '../stores/registry.ts'
import type { SourceContext } from './source.ts'

/** How far a source was acknowledged, kept in the registry under one name. It survives restarts. */
export interface Checkpoint<State> {
  /** What an earlier run left; undefined where there is nothing, or nothing that this version understands. */
  readonly saved: State | undefined
  /**
   * Takes note that a batch behind which this is reached is handed over next, and returns its acknowledgement. Only what
   * was acknowledged without a gap is saved. Throws `CHECKPOINT_TAKEN` once another process has moved the same checkpoint.
   */
  handOver(reached: State): () => Promise<void>
}

export interface CheckpointOptions<State> {
  readonly name: string
  /** What the registry has under this name. */
  readonly found: Pick<Entry, 'value'> | undefined
  readonly state: ZodType<State>
  readonly registry: Pick<Registry, 'get' | 'compareAndSet'>
  /** What goes with all that is saved: under which lease it was. */
  readonly fence?: number | undefined
}

/** Writes nothing before something is acknowledged. */
export function createCheckpoint<State>({
  name,
  found,
  state,
  registry,
  fence,
}: CheckpointOptions<State>): Checkpoint<State> {
  const handedOver: { readonly reached: State; isAcknowledged: boolean }[] = []
  /** What the registry may hold if nobody else writes there: an attempt that failed may have gone through. */
  let ours: (Buffer | undefined)[] = [found?.value]
  let saving = Promise.resolve()

  async function save(): Promise<void> {
    const gap = handedOver.findIndex(({ isAcknowledged }) => !isAcknowledged)
    const count = gap === -1 ? handedOver.length : gap
    const last = handedOver[count - 1]
    if (last === undefined) return
    await write(encode(last.reached, fence))
    handedOver.splice(0, count)
  }

  async function write(value: Buffer): Promise<void> {
    const entry = await registry.get(name)
    if (!isOurs(entry?.value)) {
      throw new HeadwaterError('CHECKPOINT_TAKEN', `${name} is being moved by another process`)
    }
    if (!isOurs(value)) ours.push(value)
    if (!(await registry.compareAndSet(name, entry?.revision ?? 0, value))) {
      throw new TransientError('CHECKPOINT_TAKEN', `${name} changed while it was written`)
    }
    ours = [value]
  }

  const isOurs = (value: Buffer | undefined): boolean =>
    ours.some((known) => (known && value ? known.equals(value) : known === value))

  return {
    saved: found && savedIn(found, state),
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

/**
 * The checkpoint of a source, or of one part of it; the schema is that of what is saved, as JSON. Whoever has many parts
 * lists them once and makes each with `createCheckpoint`.
 */
export async function openCheckpoint<State>(
  { name: source, registry }: Pick<SourceContext, 'name' | 'registry'>,
  state: ZodType<State>,
  part?: string,
): Promise<Checkpoint<State>> {
  const name = nameOf(source, part)
  return createCheckpoint({ name, found: await registry.get(name), state, registry })
}

export interface Claim<State> extends Cancellable {
  /** The state that is saved, as JSON. */
  readonly state: ZodType<State>
  /** Of the lease under which the part is worked on. */
  readonly fence: number
}

/** As `claimEntry`, of a part that several processes may work on, one after the other. */
export function claimCheckpoint<State>(
  { name: source, registry }: Pick<SourceContext, 'name' | 'registry'>,
  { part, ...claim }: Claim<State> & { readonly part: string },
): Promise<Checkpoint<State>> {
  return claimEntry(registry, { ...claim, name: nameOf(source, part) })
}

/**
 * The checkpoint that has this name in the registry. It resolves when the fence is there: from then on whoever came with a
 * lower one can save nothing more, and `saved` is the last that it has saved. Throws `CHECKPOINT_TAKEN` where somebody has
 * come with a higher one. Safe to repeat.
 */
export async function claimEntry<State>(
  registry: Pick<Registry, 'get' | 'compareAndSet'>,
  { name, state, fence, signal }: Claim<State> & { readonly name: string },
): Promise<Checkpoint<State>> {
  const cancel = { ...(signal && { signal }) }
  while (true) {
    const entry = await registry.get(name, cancel)
    const before = entry && contentOf(entry)
    if ((before?.fence ?? fence) > fence)
      throw new HeadwaterError('CHECKPOINT_TAKEN', `${name} is moved by another process by now`)
    const isOurs = entry !== undefined && before?.fence === fence
    const value = isOurs ? entry.value : encode(before?.state, fence)
    if (isOurs || (await registry.compareAndSet(name, entry?.revision ?? 0, value, cancel)))
      return createCheckpoint({ name, found: { value }, state, registry, fence })
  }
}

/** Whether somebody else has the checkpoint by now, so that this process can save nothing more. */
export const isTaken = (error: unknown): boolean =>
  error instanceof HeadwaterError && error.code === 'CHECKPOINT_TAKEN'

/** Every part of a source of which something is saved. */
export function savedParts<State>(
  { name: source, registry }: Pick<SourceContext, 'name' | 'registry'>,
  state: ZodType<State>,
): AsyncGenerator<Saved<State>, void, undefined> {
  return savedUnder(registry, nameOf(source, ''), state)
}

export interface Saved<State> {
  /** Undefined where there is nothing, or nothing that this version understands. */
  readonly saved: State | undefined
  /** What its name has behind the prefix. */
  readonly part: string
}

/** All checkpoints whose names begin like this. */
export async function* savedUnder<State>(
  registry: Pick<Registry, 'list'>,
  prefix: string,
  state: ZodType<State>,
): AsyncGenerator<Saved<State>, void, undefined> {
  for await (const entry of registry.list(prefix)) {
    yield { part: entry.name.slice(prefix.length), saved: savedIn(entry, state) }
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

/** What is saved under a lease; a `state` that is left out is none. */
const fenced = z.strictObject({ $fence: z.int(), state: z.unknown().optional() })

function encode(state: unknown, fence: number | undefined): Buffer {
  return Buffer.from(JSON.stringify(fence === undefined ? state : { $fence: fence, state }))
}

/** The state that an entry of the registry holds; undefined where it is none that this version understands. */
export function savedIn<State>(entry: Pick<Entry, 'value'>, state: ZodType<State>): State | undefined {
  const saved = contentOf(entry)?.state
  return saved === undefined ? undefined : state.safeParse(saved).data
}

/** Undefined where nobody can read it. */
function contentOf({ value }: Pick<Entry, 'value'>): { fence?: number; state?: unknown } | undefined {
  try {
    const state: unknown = JSON.parse(value.toString())
    const { success, data } = fenced.safeParse(state)
    return success ? { fence: data.$fence, state: data.state } : { state }
  } catch {
    return undefined
  }
}
