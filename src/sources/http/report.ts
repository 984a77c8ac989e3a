import type { TransientError } from '../../errors.ts'
import { retry } from '../../lib/retry.ts'
import { formatDuration } from '../../lib/units.ts'
import type { SourceContext } from '../source.ts'
import type { Troubles } from '../troubles.ts'
import type { Throttle } from './throttle.ts'
import type { Trouble } from './trouble.ts'

/** What all who ask providers report: how these answer, part by part, and whether the registry does. */
export interface ProviderReport<Part> {
  /**
   * Logs trouble once, when it begins or changes. `about` is what the log says of the part; `isBroken` where the circuit
   * breaker is open.
   */
  trouble(part: Part, about: object, trouble: Trouble, waitMs: number, isBroken: boolean): void
  /** The provider answers as it should, which is logged where it did not before. */
  well(part: Part, about: object): void
  /** Whether it answers for this part is not known any more. */
  forget(part: Part): void
  /** Nothing may be asked for a while, for another reason than trouble of this run. */
  waiting(why: string, waitMs: number): void
  /** What an earlier run was told, or met, may still hold. */
  opened(throttle: Pick<Throttle, 'opensAt' | 'isBroken'>, now: number): void
  /** The processes that share the source can't see each other; undefined: they can again. */
  readonly unshared: (error: TransientError | undefined) => void
  /** Repeats what the registry could not do for now, until it is done, and tells meanwhile. Nothing should be asked then. */
  readonly insist: <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>
}

const PAUSE = Symbol('pause')
const REGISTRY = Symbol('registry')
const LEASES = Symbol('leases')

export function createProviderReport<Part>(
  { name: source, logger }: Pick<SourceContext, 'name' | 'logger'>,
  troubles: Troubles<Part | symbol>,
): ProviderReport<Part> {
  /** What was told, by part. */
  const told = new Map<Part, string>()
  /** What was told and holds for all parts, until one of them is well. */
  let shared: string | undefined

  function waiting(why: string, waitMs: number): void {
    troubles.add(PAUSE, why)
    logger.info({ source }, `${why}; asked again in ${formatDuration(waitMs)}`)
  }

  function onFailure({ code, message }: TransientError): void {
    troubles.add(REGISTRY, message)
    logger.warn({ source, code }, `${message}; trying again`)
  }

  return {
    trouble(part, about, trouble, waitMs, isBroken) {
      const { code, status, isShared, mayPass } = trouble
      const message = isBroken ? `${trouble.message} (the circuit breaker is open)` : trouble.message
      troubles.add(part, message)
      troubles.delete(PAUSE)
      const condition = `${mayPass ? code : `${code} ${status ?? ''}`}${isBroken ? ' open' : ''}`
      const isKnown = told.get(part) === condition || (isShared && shared === condition)
      if (!isKnown) {
        told.set(part, condition)
        if (isShared) shared = condition
      }
      const level = isKnown ? 'debug' : mayPass ? 'warn' : 'error'
      logger[level]({ source, ...about, code }, `${message}; asked again in ${formatDuration(waitMs)}`)
    },
    well(part, about) {
      troubles.delete(part)
      troubles.delete(PAUSE)
      const isOver = told.delete(part) || shared !== undefined
      shared = undefined
      if (isOver) logger.info({ source, ...about }, 'the provider answers again')
    },
    forget(part) {
      told.delete(part)
      troubles.delete(part)
    },
    waiting,
    opened({ opensAt, isBroken }, now) {
      if (opensAt <= now) return
      waiting(isBroken ? 'the circuit breaker is open' : 'the provider asked to wait', opensAt - now)
    },
    unshared(error) {
      if (error === undefined) troubles.delete(LEASES)
      else if (troubles.add(LEASES, error.message)) {
        const { code, message } = error
        logger.warn({ source, code }, `${message}; nothing is asked until others can be seen again`)
      }
    },
    async insist(work, signal) {
      const done = await retry(work, signal, { baseMs: 50, maxMs: 30_000, onFailure })
      troubles.delete(REGISTRY)
      return done
    },
  }
}
