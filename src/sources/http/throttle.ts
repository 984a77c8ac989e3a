import { z } from 'zod'
import type { Entry, Registry } from '../../stores/registry.ts'
import type { Permit, Throttled } from '../source.ts'
import { afterFailure, afterSuccess, CLOSED, OPEN_MS } from './breaker.ts'
import type { Gate } from './client.ts'
import type { HostLimits, Hosts } from './hosts.ts'
import { backOff, sleepUntil, type Time } from './pace.ts'
import { LONGEST_WAIT_MS } from './retry-after.ts'
import type { Trouble } from './trouble.ts'

/**
 * When the provider of one source may be asked: not while it asked to be left alone, nor while a failure is backed off
 * from or its circuit breaker is open, nor faster than its host may be asked. What was asked for, and the breaker, survive
 * restarts; what other processes of the same source were asked for holds here too.
 */
export interface Throttle extends Gate, Disposable {
  /** Nothing is asked before, by the clock that it was given. */
  readonly opensAt: number
  /** Whether the circuit breaker is open, or lets one probe through. */
  readonly isBroken: boolean
  /** The provider itself is well. Resolves when it is durable that the breaker knows, as for `failed`. */
  succeeded(signal: AbortSignal): Promise<void>
  /** The provider failed, whatever it was asked for. */
  failed(trouble: Trouble, signal: AbortSignal): Promise<void>
}

export interface ThrottleParts {
  /** The name of the source. */
  readonly name: string
  /** The host that is asked, with its port. */
  readonly host: string
  readonly limits: HostLimits
  readonly registry: Registry
  readonly permit: Permit | undefined
  readonly hosts: Hosts
  readonly time: Time
  /** Milliseconds since 1970, never set back. */
  readonly now: () => number
  /** Repeats what the registry could not do for now, until it is done. */
  readonly insist: (work: () => Promise<void>, signal: AbortSignal) => Promise<void>
}

const state = z.object({
  until: z.number(),
  isOpen: z.boolean().default(false),
  strikes: z.array(z.object({ at: z.number(), isQuota: z.boolean() })).default([]),
})

export async function openThrottle({
  name: source,
  host,
  limits,
  registry,
  permit,
  hosts,
  time,
  now,
  insist,
}: ThrottleParts): Promise<Throttle> {
  const name = nameOf(source)
  const found = await registry.get(name)
  const saved = found === undefined ? undefined : stateOf(found)
  const visitor = hosts.join(host, limits)
  let revision = 0
  /** Until then the provider asked to be left alone. */
  let heldUntil = 0
  /** Until then we leave it alone by ourselves. */
  let retryAt = 0
  /** How often in a row the provider failed. */
  let failures = 0
  let breaker = saved === undefined ? CLOSED : { isOpen: saved.isOpen, strikes: saved.strikes }
  let isProbing = false
  adopt(found)

  const opensAt = (): number => Math.max(heldUntil, retryAt)

  /** A wait that was saved with a clock that was wrong must not stop the source for years. */
  function adopt(entry: Entry | undefined): void {
    if (entry === undefined || entry.revision === revision) return
    revision = entry.revision
    heldUntil = Math.max(heldUntil, Math.min(stateOf(entry)?.until ?? 0, now() + LONGEST_WAIT_MS))
  }

  async function refresh(): Promise<void> {
    adopt(await registry.get(name))
  }

  async function save(): Promise<void> {
    while (true) {
      const entry = await registry.get(name)
      adopt(entry)
      // That others wait for a probe ends with it, and with the process.
      const until = breaker.isOpen && !isProbing ? opensAt() : heldUntil
      const value = Buffer.from(JSON.stringify({ until, ...breaker }))
      if (await registry.compareAndSet(name, entry?.revision ?? 0, value)) return
    }
  }

  return {
    get opensAt() {
      return opensAt()
    },
    get isBroken() {
      return breaker.isOpen
    },
    async enter(to, signal, isRedirect) {
      const opens = (): number => (isRedirect ? heldUntil : opensAt())
      while (true) {
        // What was redirected is in hand, and finished.
        while (permit?.isPaused === true && !isRedirect && !signal.aborted) await permit.changed(signal)
        await sleepUntil(opens, now, time, signal)
        const leave = await visitor.enter(to, signal)
        try {
          await insist(refresh, signal)
        } catch (error) {
          leave()
          throw error
        }
        if (opens() <= now()) {
          // One goes ahead; the others wait for what comes of it.
          if (breaker.isOpen && !isRedirect) {
            isProbing = true
            retryAt = now() + OPEN_MS
          }
          return leave
        }
        leave()
      }
    },
    async hold(ms, signal) {
      if (ms <= 0) return
      heldUntil = Math.max(heldUntil, now() + ms)
      await insist(save, signal)
    },
    async succeeded(signal) {
      const before = breaker
      failures = 0
      breaker = isProbing ? CLOSED : afterSuccess(breaker)
      if (isProbing) retryAt = 0
      isProbing = false
      if (breaker !== before) await insist(save, signal)
    },
    async failed({ isQuota }, signal) {
      const at = now()
      isProbing = false
      failures++
      breaker = afterFailure(breaker, { at, isQuota })
      retryAt = at + (breaker.isOpen ? OPEN_MS : backOff(failures, time.random))
      await insist(save, signal)
    },
    [Symbol.dispose]: () => visitor[Symbol.dispose](),
  }
}

/** What is saved of how the provider of a source is left alone; undefined where nothing is. */
export async function throttledOf(
  source: string,
  registry: Pick<Registry, 'get'>,
): Promise<Throttled | undefined> {
  const found = await registry.get(nameOf(source))
  const state = found && stateOf(found)
  return (
    state && { until: state.until, isOpen: state.isOpen, isQuota: state.strikes.at(-1)?.isQuota === true }
  )
}

const nameOf = (source: string): string => `pause/${source}`

function stateOf({ value }: Entry): z.output<typeof state> | undefined {
  try {
    return state.parse(JSON.parse(value.toString()))
  } catch {
    return undefined
  }
}
