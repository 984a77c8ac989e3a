import { TransientError } from '../errors.ts'
import { BoundedMap } from '../lib/bounded-map.ts'

/** Slows down who guesses tokens, by address, in bounded memory. */
export interface Attempts {
  /** Throws TOO_MANY_TRIES while an address has to wait. */
  check(address: string): void
  failed(address: string): void
  succeeded(address: string): void
}

/** A typing error or two are nobody's attack. */
const FREE = 5
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 60_000
/** Whoever has been quiet for so long begins anew. */
const FORGOTTEN_AFTER_MS = 15 * 60_000
const ADDRESSES = 10_000

interface Tries {
  readonly count: number
  readonly at: number
}

/** `steady` is milliseconds that nobody sets. */
export function createAttempts(steady: () => number): Attempts {
  const tries = new BoundedMap<string, Tries>(ADDRESSES)

  function known(address: string): Tries {
    const found = tries.get(networkOf(address))
    return found && steady() - found.at < FORGOTTEN_AFTER_MS ? found : { count: 0, at: steady() }
  }

  return {
    check(address) {
      const { count, at } = known(address)
      if (count < FREE) return
      const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (count - FREE))
      const leftMs = at + waitMs - steady()
      if (leftMs <= 0) return
      const seconds = Math.ceil(leftMs / 1_000)
      const message = `${count} wrong tokens came from this address; the next may come in ${seconds} s`
      throw new TransientError('TOO_MANY_TRIES', message, { retryAfterMs: leftMs })
    },
    failed(address) {
      const { count } = known(address)
      tries.set(networkOf(address), { count: count + 1, at: steady() })
    },
    succeeded(address) {
      tries.set(networkOf(address), { count: 0, at: steady() })
    },
  }
}

/** Whoever has one IPv6 address most often has 2^64 of them. */
function networkOf(address: string): string {
  const bare = address.replace(/^::ffff:/, '')
  if (!bare.includes(':')) return bare
  const [before = [], after = []] = bare.split('::').map((groups) => groups.split(':'))
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after].slice(0, 4).join(':')
}
