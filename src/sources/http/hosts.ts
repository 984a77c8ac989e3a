import { performance } from 'node:perf_hooks'
import { createBell, type Bell } from '../../lib/bell.ts'
import { REAL_TIME, type Time } from './pace.ts'

/** What one source wants of a host that it asks. */
export interface HostLimits {
  readonly rate?: { readonly requests: number; readonly perMs: number } | undefined
  readonly maxPerHost?: number | undefined
}

/** Rates and concurrency of hosts. Of the limits of several sources for one host the strictest holds for all of them. */
export interface Hosts {
  /** From now on, until it is disposed of, these limits hold for this host; written as in a URL, with its port. */
  join(host: string, limits: HostLimits): Visitor
}

export interface Visitor extends Disposable {
  /**
   * Resolves when a request may be sent to a host, with what to call once its answer is there. Requests of a rate are
   * spread evenly, so that no window of the provider's holds more. Rejects with the signal's reason.
   */
  enter(host: string, signal: AbortSignal): Promise<() => void>
}

interface Host {
  readonly limits: Set<HostLimits>
  readonly left: Bell
  /** How many have come for it and not left. */
  visitors: number
  /** How many requests are under way. */
  busy: number
  /** When the rate allows the next request. */
  nextAt: number
}

/** `now` is in milliseconds and never set back. */
export function createHosts(sleep: Time['sleep'], now: () => number): Hosts {
  const hosts = new Map<string, Host>()

  function hostOf(name: string): Host {
    const host = hosts.get(name) ?? { limits: new Set(), left: createBell(), visitors: 0, busy: 0, nextAt: 0 }
    hosts.set(name, host)
    return host
  }

  function forgetUnused(name: string, { limits, visitors }: Host): void {
    if (limits.size === 0 && visitors === 0) hosts.delete(name)
  }

  async function enter(name: string, signal: AbortSignal): Promise<() => void> {
    const host = hostOf(name)
    host.visitors++
    let isBusy = false
    function leave(): void {
      host.visitors--
      if (isBusy) host.busy--
      host.left.ring()
      forgetUnused(name, host)
    }
    try {
      while (host.busy >= placesAt(host)) {
        await host.left.wait(signal)
        signal.throwIfAborted()
      }
      host.busy++
      isBusy = true
      const at = Math.max(now(), host.nextAt)
      host.nextAt = at + gapAt(host)
      for (let ms = at - now(); ms > 0; ms = at - now()) await sleep(ms, signal)
      return leave
    } catch (error) {
      leave()
      throw error
    }
  }

  return {
    join(name, limits) {
      const own = { ...limits }
      const host = hostOf(name)
      host.limits.add(own)
      return {
        enter,
        [Symbol.dispose]() {
          host.limits.delete(own)
          host.left.ring()
          forgetUnused(name, host)
        },
      }
    },
  }
}

/** Those of this process. */
export const HOSTS = createHosts(REAL_TIME.sleep, () => performance.now())

const placesAt = ({ limits }: Host): number =>
  Math.min(...[...limits].map(({ maxPerHost }) => maxPerHost ?? Infinity))

const gapAt = ({ limits }: Host): number =>
  Math.max(0, ...[...limits].map(({ rate }) => (rate === undefined ? 0 : rate.perMs / rate.requests)))
