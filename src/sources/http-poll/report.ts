import type { TransientError } from '../../errors.ts'
import { formatDuration } from '../../lib/units.ts'
import type { SourceContext } from '../source.ts'
import { createTroubles } from '../troubles.ts'
import type { Trouble } from '../http/trouble.ts'

/** Logs trouble once, when it begins or changes, and once when it is over; the source is failing until it is over for all. */
export interface Report {
  trouble(product: string | undefined, trouble: Trouble, waitMs: number): void
  well(product: string | undefined): void
  /** An earlier run was told to wait. */
  waiting(waitMs: number): void
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
    trouble(product, trouble, waitMs) {
      const { code, status, isShared, mayPass, message } = trouble
      troubles.add(product, message)
      troubles.delete(PAUSE)
      const condition = mayPass ? code : `${code} ${status ?? ''}`
      const isKnown = told.get(product) === condition || (isShared && shared === condition)
      if (!isKnown) {
        told.set(product, condition)
        if (isShared) shared = condition
      }
      const level = isKnown ? 'debug' : mayPass ? 'warn' : 'error'
      const about = { source, ...(product !== undefined && { product }), code }
      logger[level](about, `${message}; asked again in ${formatDuration(waitMs)}`)
    },
    waiting(waitMs) {
      troubles.add(PAUSE, 'the provider asked to wait')
      logger.info({ source }, `the provider asked to wait; asked again in ${formatDuration(waitMs)}`)
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
