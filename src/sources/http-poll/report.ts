import type { TransientError } from '../../errors.ts'
import { formatDuration } from '../../lib/units.ts'
import type { SourceContext } from '../source.ts'
import { createTroubles } from '../troubles.ts'
import type { Trouble } from '../http/trouble.ts'

/** Logs trouble once, when it begins or changes, and once when it is over; the source is failing until it is over for all. */
export interface Report {
  /** `isBroken` where the circuit breaker is open. */
  trouble(product: string | undefined, trouble: Trouble, waitMs: number, isBroken: boolean): void
  well(product: string | undefined): void
  /** Nothing may be asked for a while, for another reason than trouble of this run. */
  waiting(why: string, waitMs: number): void
  /** Nothing can be saved for now. */
  unsaved(error: TransientError): void
  saved(): void
}

const PAUSE = Symbol('pause')
const REGISTRY = Symbol('registry')

export function createReport(context: Pick<SourceContext, 'name' | 'logger' | 'trouble'>): Report {
  const { name: source, logger } = context
  const troubles = createTroubles<string | undefined | typeof PAUSE | typeof REGISTRY>(context.trouble)
  /** What was told, by product. */
  const told = new Map<string | undefined, string>()
  /** What was told and holds for all products, until one of them is well. */
  let shared: string | undefined

  return {
    trouble(product, trouble, waitMs, isBroken) {
      const { code, status, isShared, mayPass } = trouble
      const message = isBroken ? `${trouble.message} (the circuit breaker is open)` : trouble.message
      troubles.add(product, message)
      troubles.delete(PAUSE)
      const condition = `${mayPass ? code : `${code} ${status ?? ''}`}${isBroken ? ' open' : ''}`
      const isKnown = told.get(product) === condition || (isShared && shared === condition)
      if (!isKnown) {
        told.set(product, condition)
        if (isShared) shared = condition
      }
      const level = isKnown ? 'debug' : mayPass ? 'warn' : 'error'
      const about = { source, ...(product !== undefined && { product }), code }
      logger[level](about, `${message}; asked again in ${formatDuration(waitMs)}`)
    },
    waiting(why, waitMs) {
      troubles.add(PAUSE, why)
      logger.info({ source }, `${why}; asked again in ${formatDuration(waitMs)}`)
    },
    well(product) {
      troubles.delete(product)
      troubles.delete(PAUSE)
      const isOver = told.delete(product) || shared !== undefined
      shared = undefined
      if (isOver)
        logger.info({ source, ...(product !== undefined && { product }) }, 'the provider answers again')
    },
    unsaved({ code, message }) {
      troubles.add(REGISTRY, message)
      logger.warn({ source, code }, `${message}; trying again`)
    },
    saved: () => void troubles.delete(REGISTRY),
  }
}
