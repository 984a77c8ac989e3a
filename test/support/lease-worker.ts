// A replica in a process of its own, which counts up the checkpoint of each part that it has, until it is told to stop:
// node lease-worker.ts MODULE SETTINGS_JSON PARTS_JSON LEASE_MS.
import { z } from 'zod'
import { HeadwaterError } from '../../src/errors.ts'
import { retry } from '../../src/lib/retry.ts'
import { type Checkpoint, claimCheckpoint } from '../../src/sources/checkpoint.ts'
import { openLeases } from '../../src/sources/leases/leases.ts'
import type { Registry } from '../../src/stores/registry.ts'
import { openRegistry } from './open-registry.ts'
import { silent } from './queue-context.ts'

export type Order =
  /** Begin to count this part up once more, and save that only when told to. */
  | { readonly hesitate: string }
  /** Freeze, as one that is stopped by the system. */
  | 'freeze'
  | 'save'
  | 'stop'

export type Told =
  | { readonly kind: 'hesitates' | 'refused'; readonly part: string; readonly fence: number }
  | { readonly kind: 'saved'; readonly part: string; readonly fence: number; readonly at: number }
  /** The parts that it has. */
  | { readonly kind: 'has'; readonly parts: readonly string[] }

const [module = '', settings = '{}', named = '[]', leaseMs = ''] = process.argv.slice(2)
const parts = JSON.parse(named) as string[]
const stopped = new AbortController()
const { signal } = stopped
const saving = Promise.withResolvers<void>()
let hesitant: string | undefined
let writes = 0
let isToFreeze = false

async function duringWrite<T>(write: () => Promise<T>): Promise<T> {
  writes++
  try {
    return await write()
  } finally {
    writes--
    if (isToFreeze) freeze()
  }
}

/** Not in the middle of a write, whose lock on an embedded registry would keep all others from writing. */
function freeze(): void {
  isToFreeze = writes > 0
  if (!isToFreeze) process.kill(process.pid, 'SIGSTOP')
}

process.on('message', (order: Order) => {
  if (order === 'stop') stopped.abort()
  else if (order === 'freeze') freeze()
  else if (order === 'save') saving.resolve()
  else hesitant = order.hesitate
})

await using opened = await openRegistry(module, JSON.parse(settings) as object)
const registry: Registry = {
  ...opened,
  compareAndSet: (...write) => duringWrite(() => opened.compareAndSet(...write)),
  remove: (...write) => duringWrite(() => opened.remove(...write)),
}
await using leases = await openLeases({
  registry,
  source: 'shop',
  parts,
  leaseMs: Number(leaseMs),
  next: () => undefined,
  clock: Date.now,
  logger: silent,
  onTrouble() {},
  signal,
})
const counters = new Map<
  string,
  { readonly fence: number; readonly checkpoint: Checkpoint<number>; at: number }
>()

const tell = (told: Told): void => void process.send?.(told)

const patiently = <T>(work: () => Promise<T>): Promise<T> =>
  retry(work, new AbortController().signal, { baseMs: 10, maxMs: 500 })

async function counterOf(part: string, fence: number) {
  const known = counters.get(part)
  if (known?.fence === fence) return known
  const claim = { part, fence, state: z.int() }
  const checkpoint = await patiently(() => claimCheckpoint({ name: 'shop', registry }, claim))
  const counter = { fence, checkpoint, at: checkpoint.saved ?? 0 }
  counters.set(part, counter)
  return counter
}

async function countUp(part: string, isHesitant: boolean): Promise<void> {
  using hold = leases.hold(part)
  if (!hold) return
  const { fence } = hold
  try {
    const counter = await counterOf(part, fence)
    if (isHesitant) tell({ kind: 'hesitates', part, fence })
    if (isHesitant) await saving.promise
    await patiently(counter.checkpoint.handOver(counter.at + 1))
    counter.at++
    tell({ kind: 'saved', part, fence, at: counter.at })
  } catch (error) {
    if (!(error instanceof HeadwaterError && error.code === 'CHECKPOINT_TAKEN')) throw error
    counters.delete(part)
    tell({ kind: 'refused', part, fence })
  }
}

const hesitating = new Set<string>()
while (!signal.aborted) {
  for (const part of parts) {
    if (hesitating.has(part)) continue
    if (part !== hesitant) await countUp(part, false)
    else if (leases.fenceOf(part) !== undefined) {
      hesitating.add(part)
      void countUp(part, true).then(() => hesitating.delete(part))
      hesitant = undefined
    }
  }
  tell({ kind: 'has', parts: parts.filter((part) => leases.fenceOf(part) !== undefined) })
  await leases.changed(signal, 20)
}
process.disconnect()
