import { formatDuration } from '../../lib/units.ts'
import { createProviderReport, type ProviderReport } from '../http/report.ts'
import type { Trouble } from '../http/trouble.ts'
import type { SourceContext } from '../source.ts'
import { createTroubles } from '../troubles.ts'

/** Whom a job is for: a product, or nobody but itself where the provider began it. */
export interface Subject {
  readonly product?: string | undefined
  /** The id of a job that the provider began. */
  readonly job?: string
}

/** Logs trouble once, when it begins or changes, and once when it is over; the source is failing until it is over for all. */
export interface Report extends Pick<ProviderReport<string>, 'waiting' | 'opened' | 'unshared' | 'insist'> {
  /** The provider did not answer as it should. `isBroken` where the circuit breaker is open. */
  trouble(of: Subject, trouble: Trouble, waitMs: number, isBroken: boolean): void
  answers(of: Subject): void
  /** A job will have no result. */
  failed(of: Subject, why: string, next: string): void
  began(of: Subject, job: string): void
  /** All of a result was handed over. */
  read(of: Subject, job: string): void
  /** No job may be begun for so long. */
  budgetSpent(waitMs: number): void
  /** Another process has it by now, and tells of it. */
  left(of: Subject): void
}

export function createReport(context: Pick<SourceContext, 'name' | 'logger' | 'trouble'>): Report {
  const { name: source, logger } = context
  const troubles = createTroubles<string | symbol>(context.trouble)
  const provider = createProviderReport<string>(context, troubles)
  let isSpent = false

  return {
    ...provider,
    trouble: (of, ...what) => provider.trouble(answersTo(of), of, ...what),
    answers: (of) => provider.well(answersTo(of), of),
    failed(of, why, next) {
      troubles.add(resultFor(of), why)
      provider.forget(answersTo(of))
      logger.error({ source, ...of, code: 'JOB_FAILED' }, `${why}; ${next}`)
    },
    began(of, job) {
      isSpent = false
      logger.info({ source, ...of, job }, 'a job began')
    },
    read(of, job) {
      troubles.delete(resultFor(of))
      logger.info({ source, ...of, job }, 'the result of a job was read')
    },
    budgetSpent(waitMs) {
      if (isSpent) return
      isSpent = true
      logger.warn({ source }, `the budget of jobs is spent; the next may begin in ${formatDuration(waitMs)}`)
    },
    left(of) {
      troubles.delete(resultFor(of))
      provider.forget(answersTo(of))
    },
  }
}

const answersTo = ({ product, job }: Subject): string => `answers ${job ?? product ?? ''}`

/** The provider's own jobs are one: the next that is read makes up for one that failed. */
const resultFor = ({ product = '' }: Subject): string => `result ${product}`
