import type { ZodType } from 'zod'
import { HeadwaterError, TransientError } from '../errors.ts'
import type { Entry, Registry } from '../stores/registry.ts'

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
  readonly found: Entry | undefined
  readonly state: ZodType<State>
  readonly registry: Pick<Registry, 'get' | 'compareAndSet'>
}

/** Writes nothing before something is acknowledged. */
export function createCheckpoint<State>({
  name,
  found,
  state,
  registry,
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
    await write(Buffer.from(JSON.stringify(last.reached)))
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
    saved: found && decode(found, state),
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

function decode<State>({ value }: Entry, state: ZodType<State>): State | undefined {
  try {
    return state.parse(JSON.parse(value.toString()))
  } catch {
    return undefined
  }
}
