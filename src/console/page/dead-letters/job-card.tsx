import { useEffect, useRef } from 'preact/hooks'
import { Link } from '../address.tsx'
import { announce } from '../announce.tsx'
import type { JobDetails, ReplayDetails } from '../../api/jobs.ts'
import { ask, useAct } from '../ask.ts'
import { Badge } from '../parts/badge.tsx'
import { Foreign } from '../parts/foreign.tsx'
import { Failure } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { useCanChange } from '../session.tsx'
import { counted } from '../words.ts'

const KINDS = { redrive: 'Redrive', discard: 'Discard', replay: 'Replay' } as const
const TONES = {
  canary: 'waits',
  running: 'waits',
  paused: 'waits',
  stopped: 'bad',
  failed: 'bad',
  done: 'good',
} as const

interface JobCardProps {
  readonly job: JobDetails
  readonly again: () => void
}

/** How far a job has come, and what can be done to it. */
export function JobCard({ job, again }: JobCardProps) {
  const { kind, state, reasons, why, by, startedAt } = job
  const cluster = clusterOf(job)
  const title = isEstimate(job) ? 'Estimate of a replay' : KINDS[kind]
  useEndAnnounced(title, job)
  return (
    <article class="card stack job">
      <div class="spread">
        <h3>
          {title}
          {cluster !== undefined && (
            <>
              {' of '}
              <Link to={`/dead-letters/${cluster}`}>
                <code>{cluster}</code>
              </Link>
            </>
          )}
        </h3>
        <Badge kind={TONES[state]}>{state}</Badge>
      </div>
      <progress class="meter" aria-label={`${title}: progress`} {...progressOf(job)} />
      <p>{outcomeOf(job)}</p>
      {why && (
        <p class="notice warning">
          <span>
            {state}: <Foreign>{why}</Foreign>
          </span>
        </p>
      )}
      {job.kind === 'replay' && (
        <p class="muted">
          <Foreign>{selectionOf(job)}</Foreign>
        </p>
      )}
      {reasons.map(({ code, message, count }) => (
        <p key={`${code} ${message}`} class="muted">
          {counted(count)}: <Foreign>{message}</Foreign>
        </p>
      ))}
      <Controls job={job} again={again} />
      <p class="muted">
        By <Foreign>{by}</Foreign>, <Time at={startedAt} />
      </p>
    </article>
  )
}

/** Without a total it only moves until it is done. */
function progressOf({ state, total, done }: JobDetails): { max?: number; value?: number } {
  if (state === 'done') return { max: 1, value: 1 }
  return total === undefined ? {} : { max: Math.max(total, done, 1), value: done }
}

/** The cluster that a job changes. */
export const clusterOf = (job: JobDetails): string | undefined =>
  job.kind === 'replay' ? undefined : job.params.cluster

const isEstimate = (job: JobDetails): boolean => job.kind === 'replay' && job.params.target === undefined

/** `To the topic again: received before 2026-01-31T10:00:00.000Z, source shop` */
function selectionOf({ params: { from, to, source, product, target } }: ReplayDetails): string {
  const selected = [
    `received ${from === undefined ? '' : `from ${from} `}before ${to}`,
    ...(source === undefined ? [] : [`source ${source}`]),
    ...(product === undefined ? [] : [`product ${product}`]),
  ].join(', ')
  if (target === undefined) return `Only counted: ${selected}`
  const place = target.to === 'all' ? 'everybody' : `the ${target.to} ${target.name}`
  return `To ${place}: ${selected}`
}

function outcomeOf(job: JobDetails): string {
  const { kind, total, done, passed, failed } = job
  if (kind === 'replay') {
    const published = isEstimate(job) ? 'would be published' : 'published'
    return `${counted(passed)} ${published}; ${counted(done)} looked at`
  }
  const of = total === undefined ? '' : ` of ${counted(total)}`
  return `${counted(done)}${of} done: ${counted(passed)} passed, ${counted(failed)} did not`
}

function Controls({ job: { id, state }, again }: JobCardProps) {
  const canChange = useCanChange()
  const { isBusy, error, act } = useAct()
  if (!canChange || state === 'done') return null
  const isGoing = state === 'canary' || state === 'running'
  const tell = (what: 'pause' | 'resume' | 'stop') => () =>
    void act(() => ask(`/api/jobs/${id}/${what}`, { method: 'POST', body: {} }).then(again))
  return (
    <div class="row">
      <button
        type="button"
        class="button small"
        aria-disabled={isBusy}
        onClick={tell(isGoing ? 'pause' : 'resume')}
      >
        {isGoing ? 'Pause' : state === 'paused' ? 'Resume' : 'Go on nevertheless'}
      </button>
      {(isGoing || state === 'paused') && (
        <button type="button" class="button small danger" aria-disabled={isBusy} onClick={tell('stop')}>
          Stop
        </button>
      )}
      {error && <Failure error={error} />}
    </div>
  )
}

function useEndAnnounced(title: string, job: JobDetails): void {
  const { state } = job
  const before = useRef(state)
  useEffect(() => {
    if (before.current !== state) announce(`${title}: ${state}, ${outcomeOf(job)}`)
    before.current = state
  }, [state])
}
