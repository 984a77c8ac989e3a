import { z } from 'zod'
import { BEGINNING } from '../http/paging.ts'

const round = {
  /** When this round of jobs began; the next begins `every` later. */
  startedAt: z.number(),
  /** How many jobs of this round failed. */
  failures: z.int().min(0),
  /** The ids of the last jobs whose results were read. */
  earlier: z.array(z.string()),
}

const begun = { ...round, job: z.string(), begunAt: z.number() }

/** What is saved of the jobs of one product, or of one job of the provider's own. */
export const state = z.discriminatedUnion('phase', [
  /** No job is under way; the next may begin at `dueAt`. */
  z.object({ phase: z.literal('idle'), dueAt: z.number(), ...round }),
  /** A job is about to begin: from here until its id is saved, nobody knows whether it did. */
  z.object({ phase: z.literal('triggering'), ...round }),
  /** The provider works on it. */
  z.object({ phase: z.literal('waiting'), ...begun }),
  /** The result is there, and read up to `place`. */
  z.object({
    phase: z.literal('downloading'),
    ...begun,
    /** How it is asked for: under another config the place means nothing. */
    asked: z.string(),
    place: z.object({ page: z.int().min(1), cursor: z.string().optional(), mark: z.string().optional() }),
    /** The digest of the page before; null at the beginning. */
    last: z.string().nullable(),
    /** The parts, where the provider named them. */
    links: z.array(z.string()).optional(),
  }),
])

/** How far a job has come. */
export type State = z.output<typeof state>
export type Begun = Extract<State, { readonly job: string }>
export type Downloading = Extract<State, { readonly phase: 'downloading' }>

/** The part of a source that the jobs of a product are; the source may have none but one job of everything. */
export const partOf = (product: string | undefined): string => OF_PRODUCT + (product ?? '-')

/** The part of a source that one job of the provider's own is. */
export const ownPartOf = (job: string): string => OF_PROVIDER + job

export const OF_PRODUCT = 'of/'
export const OF_PROVIDER = 'id/'

/** Where the registry keeps the state of a part. */
export const nameOf = (source: string, part: string): string => `job/${source}/${part}`

/** Whether this job is under way, or one of the last that were read. */
export const knows = (at: State, job: string): boolean =>
  at.earlier.includes(job) || ('job' in at && at.job === job)

/** The beginning of the result of a job. */
export function atBeginning(
  { job, begunAt, startedAt, failures, earlier }: Begun,
  asked: string,
  links?: readonly string[],
): Downloading {
  const round = { startedAt, failures, earlier }
  const named = links && { links: [...links] }
  return { phase: 'downloading', job, begunAt, ...round, asked, place: BEGINNING, last: null, ...named }
}

/** So many ids of jobs are remembered. */
const MAX_EARLIER = 10

/** All of a result was read. */
export function behindResult({ job, startedAt, earlier }: Begun, dueAt: number): State {
  return { phase: 'idle', dueAt, startedAt, failures: 0, earlier: [...earlier, job].slice(-MAX_EARLIER) }
}

/** Before the first job. */
export const idleAt = (at: number): State => ({
  phase: 'idle',
  dueAt: at,
  startedAt: at,
  failures: 0,
  earlier: [],
})

/** The provider told of a job that nobody here began. */
export const waitingFor = (job: string, at: number): State => ({
  phase: 'waiting',
  job,
  begunAt: at,
  startedAt: at,
  failures: 0,
  earlier: [],
})

/** A clock that was wrong when this was saved, or a longer `every`, must not stop the source for years. */
export function plausible(saved: State, now: number, everyMs: number): State {
  const startedAt = Math.min(saved.startedAt, now)
  switch (saved.phase) {
    case 'idle':
      return { ...saved, startedAt, dueAt: Math.min(saved.dueAt, now + everyMs) }
    case 'triggering':
      return { ...saved, startedAt }
    case 'waiting':
    case 'downloading':
      return { ...saved, startedAt, begunAt: Math.min(saved.begunAt, now) }
  }
}
