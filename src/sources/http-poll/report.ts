import type { HeadwaterError, TransientError } from '../../errors.ts'
import { createProviderReport, type ProviderReport } from '../http/report.ts'
import type { Trouble } from '../http/trouble.ts'
import type { SourceContext } from '../source.ts'
import { createTroubles } from '../troubles.ts'

/** Logs trouble once, when it begins or changes, and once when it is over; the source is failing until it is over for all. */
export interface Report extends Pick<ProviderReport<string | undefined>, 'waiting' | 'opened' | 'insist'> {
  /** `isBroken` where the circuit breaker is open. */
  trouble(product: string | undefined, trouble: Trouble, waitMs: number, isBroken: boolean): void
  well(product: string | undefined): void
  /** The list of products can't be read; undefined: it can again. */
  readonly products: (error: HeadwaterError | undefined) => void
  /** The processes that share the source can't see each other; undefined: they can again. */
  readonly unshared: (error: TransientError | undefined) => void
}

const LIST = Symbol('list of products')
const LEASES = Symbol('leases')

export function createReport(context: Pick<SourceContext, 'name' | 'logger' | 'trouble'>): Report {
  const { name: source, logger } = context
  const troubles = createTroubles<string | symbol | undefined>(context.trouble)
  const provider = createProviderReport<string | undefined>(context, troubles)
  const aboutOf = (product: string | undefined): object => (product === undefined ? {} : { product })

  function tell(part: symbol, error: HeadwaterError | undefined, meanwhile: string): void {
    if (error === undefined) troubles.delete(part)
    else if (troubles.add(part, error.message))
      logger.warn({ source, code: error.code }, `${error.message}; ${meanwhile}`)
  }

  return {
    ...provider,
    trouble: (product, ...of) => provider.trouble(product, aboutOf(product), ...of),
    well: (product) => provider.well(product, aboutOf(product)),
    products: (error) => tell(LIST, error, 'the last list counts until it can be read again'),
    unshared: (error) => tell(LEASES, error, 'nothing is asked until others can be seen again'),
  }
}
