import type { Logger } from '../../adapter.ts'
import { formatDuration } from '../../lib/units.ts'
import type { Trouble } from './trouble.ts'

/** Tells about trouble once, when it begins or changes, and once when it is over. */
export interface Report {
  trouble(product: string | undefined, trouble: Trouble, waitMs: number): void
  well(product: string | undefined): void
  /** An earlier run was told to wait. */
  waiting(waitMs: number): void
}

export function createReport(source: string, logger: Logger): Report {
  /** What was told, by product. */
  const told = new Map<string | undefined, string>()
  /** What was told and holds for all products, until one of them is well. */
  let shared: string | undefined

  return {
    trouble(product, trouble, waitMs) {
      const { code, status, isShared, mayPass, message } = trouble
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
      logger.info({ source }, `the provider asked to wait; asked again in ${formatDuration(waitMs)}`)
    },
    well(product) {
      const isOver = told.delete(product) || shared !== undefined
      shared = undefined
      if (isOver)
        logger.info({ source, ...(product !== undefined && { product }) }, 'the provider answers again')
    },
  }
}
