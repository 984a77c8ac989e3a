import type { HeadwaterError } from '../../errors.ts'
import { createProviderReport, type ProviderReport } from '../http/report.ts'
import type { Trouble } from '../http/trouble.ts'
import type { SourceContext } from '../source.ts'
import { createTroubles } from '../troubles.ts'

/** Logs trouble once, when it begins or changes, and once when it is over; the source is failing until it is over for all. */
export interface Report
  extends Pick<ProviderReport<string | undefined>, 'waiting' | 'opened' | 'unshared' | 'insist'> {
  /** `isBroken` where the circuit breaker is open. */
  trouble(product: string | undefined, trouble: Trouble, waitMs: number, isBroken: boolean): void
  well(product: string | undefined): void
  /** The list of products can't be read; undefined: it can again. */
  readonly products: (error: HeadwaterError | undefined) => void
}

const LIST = Symbol('list of products')

export function createReport(context: Pick<SourceContext, 'name' | 'logger' | 'trouble'>): Report {
  const { name: source, logger } = context
  const troubles = createTroubles<string | symbol | undefined>(context.trouble)
  const provider = createProviderReport<string | undefined>(context, troubles)
  const aboutOf = (product: string | undefined): object => (product === undefined ? {} : { product })

  return {
    ...provider,
    trouble: (product, ...of) => provider.trouble(product, aboutOf(product), ...of),
    well: (product) => provider.well(product, aboutOf(product)),
    products(error) {
      if (error === undefined) troubles.delete(LIST)
      else if (troubles.add(LIST, error.message)) {
        const { code, message } = error
        logger.warn({ source, code }, `${message}; the last list counts until it can be read again`)
      }
    },
  }
}
