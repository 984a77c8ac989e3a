import type { TransientError } from '../../errors.ts'
import { formatDuration } from '../../lib/units.ts'
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
export interface Report {
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
  /** Nothing may be asked for a while, for another reason than trouble of this run. */
  waiting(why: string, waitMs: number): void
  /** Nothing can be saved for now. */
  unsaved(error: TransientError): void
  saved(): void
}

const PAUSE = 'pause'
const REGISTRY = 'registry'

export function createReport(context: Pick<SourceContext, 'name' | 'logger' | 'trouble'>): Report {
  const { name: source, logger } = context
  const troubles = createTroubles<string>(context.trouble)
  /** What was told of the answers, by what they are about. */
  const told = new Map<string, string>()
  /** What was told and holds for all, until somebody is answered. */
  let shared: string | undefined
  let isSpent = false

  return {
    trouble(of, trouble, waitMs, isBroken) {
      const { code, status, isShared, mayPass } = trouble
      const message = isBroken ? `${trouble.message} (the circuit breaker is open)` : trouble.message
      troubles.add(answersTo(of), message)
      troubles.delete(PAUSE)
      const condition = `${mayPass ? code : `${code} ${status ?? ''}`}${isBroken ? ' open' : ''}`
      const isKnown = told.get(answersTo(of)) === condition || (isShared && shared === condition)
      if (!isKnown) {
        told.set(answersTo(of), condition)
        if (isShared) shared = condition
      }
      const level = isKnown ? 'debug' : mayPass ? 'warn' : 'error'
      logger[level]({ source, ...of, code }, `${message}; asked again in ${formatDuration(waitMs)}`)
    },
    answers(of) {
      troubles.delete(answersTo(of))
      troubles.delete(PAUSE)
      const isOver = told.delete(answersTo(of)) || shared !== undefined
      shared = undefined
      if (isOver) logger.info({ source, ...of }, 'the provider answers again')
    },
    failed(of, why, next) {
      troubles.add(resultFor(of), why)
      told.delete(answersTo(of))
      troubles.delete(answersTo(of))
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
    waiting(why, waitMs) {
      troubles.add(PAUSE, why)
      logger.info({ source }, `${why}; asked again in ${formatDuration(waitMs)}`)
    },
    unsaved({ code, message }) {
      troubles.add(REGISTRY, message)
      logger.warn({ source, code }, `${message}; trying again`)
    },
    saved: () => void troubles.delete(REGISTRY),
  }
}

const answersTo = ({ product, job }: Subject): string => `answers ${job ?? product ?? ''}`

/** The provider's own jobs are one: the next that is read makes up for one that failed. */
const resultFor = ({ product = '' }: Subject): string => `result ${product}`
