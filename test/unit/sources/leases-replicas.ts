import { setImmediate as turn } from 'node:timers/promises'
import { TransientError } from '../../../src/errors.ts'
import { openBook } from '../../../src/sources/leases/book.ts'
import { createMember, type Member } from '../../../src/sources/leases/member.ts'
import type { Entry, Registry } from '../../../src/stores/registry.ts'
import { silent } from '../../support/queue-context.ts'

export const LEASE_MS = 100
export const SLOTS = [0, 1, 2, 3, 4, 5, 6]

/** The one true time, which no replica knows. */
export interface World {
  now: number
  readonly registry: Registry
  /** What was sent and is still on its way, though nobody waits for it. */
  readonly late: (() => Promise<void>)[]
}

/** A replica of which every step is taken by the test: what it asks of the registry waits in between. */
export interface Replica {
  readonly id: string
  readonly member: Member
  readonly wanted: Set<number>
  /** Goes on until it waits again: a call reaches the registry, or its answer comes back, or it shows itself anew. */
  step(): Promise<void>
  /** What it waits for. */
  readonly asks: string | undefined
  /** Lists show it what they showed before, as a database may that is not sure. */
  isStale: boolean
  /** What it has asked for fails for it: the registry has done it, never does it, or does it later. */
  lose(how: 'done' | 'never' | 'late'): Promise<void>
  /** Goes on until it has shown itself once more. */
  exchange(): Promise<void>
  leave(): Promise<void>
}

interface Call {
  readonly asked: string
  reach(): Promise<void>
  answer(): void
  fail(): void
  isDone: boolean
}

/** `skew` is what its clock shows beyond the true time. */
export function createReplica(world: World, id: string, skew: number): Replica {
  let call: Call | undefined
  let isOpen = false
  let listed: Entry[] = []
  let running: Promise<void> | undefined
  const life = new AbortController()
  const wanted = new Set(SLOTS)

  /** Waits on the way there and on the way back. */
  function gated<T>(asked: string, work: () => Promise<T>): Promise<T> {
    if (isOpen) return work()
    return new Promise((resolve, reject) => {
      let result: T
      call = {
        asked,
        isDone: false,
        async reach() {
          result = await work()
          this.isDone = true
        },
        answer: () => resolve(result),
        fail: () => reject(new TransientError('BACKEND_FAILING', 'no answer')),
      }
    })
  }

  const { registry } = world
  const far: Registry = {
    ...registry,
    get: (...args) => gated('get', () => registry.get(...args)),
    compareAndSet: (...args) => gated(`set ${args[0]}`, () => registry.compareAndSet(...args)),
    remove: (...args) => gated('remove', () => registry.remove(...args)),
    async *list(...args) {
      yield* await gated('list', async () => {
        if (!replica.isStale) listed = await Array.fromAsync(registry.list(...args))
        return listed
      })
    },
  }
  const member = createMember({
    book: openBook(far, 'shop'),
    id,
    card: () => ({ host: id, pid: 1 }),
    wanted: () => wanted,
    leaseMs: LEASE_MS,
    steady: () => world.now + skew,
    life: life.signal,
    onChange() {},
    logger: silent,
    source: 'shop',
  })

  function run(): void {
    running ??= member
      .exchange()
      .catch((error: unknown) => {
        if (!(error instanceof TransientError)) throw error
      })
      .finally(() => {
        running = undefined
      })
  }

  async function step(): Promise<void> {
    const waiting = call
    if (!waiting) run()
    else if (!waiting.isDone) await waiting.reach()
    else {
      call = undefined
      waiting.answer()
    }
    await turn()
  }

  const replica: Replica = {
    id,
    member,
    wanted,
    get asks() {
      return call?.asked
    },
    isStale: false,
    step,
    async lose(how) {
      const waiting = call
      if (!waiting) return
      if (how === 'done' && !waiting.isDone) await waiting.reach()
      if (how === 'late' && !waiting.isDone) world.late.push(() => waiting.reach())
      call = undefined
      waiting.fail()
      await turn()
    },
    async exchange() {
      while (running) await step()
      do await step()
      while (running)
    },
    async leave() {
      life.abort()
      while (running) await step()
      isOpen = true
      await member.leave()
    },
  }
  return replica
}
