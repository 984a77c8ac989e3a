import { useEffect, useState } from 'preact/hooks'
import { announce } from '../announce.tsx'
import type { JobDetails } from '../../api/jobs.ts'
import type { ClusterDetails } from '../../api/clusters.ts'
import type { Step } from './step-words.ts'
import { ask, useAct, useAnswer } from '../ask.ts'
import { Input } from '../parts/field.tsx'
import { Failure } from '../parts/states.tsx'
import { letters } from './clusters.tsx'
import { JobCard } from './job-card.tsx'

interface RedriveProps {
  readonly cluster: ClusterDetails
  readonly steps: readonly Step[]
  readonly again: () => void
}

/** Sends the letters again, with a few of them first, and may keep the repair for what comes. */
export function Redrive({ cluster, steps, again }: RedriveProps) {
  const [hasCanary, setHasCanary] = useState(true)
  const [count, setCount] = useState('20')
  const [minPercent, setMinPercent] = useState('95')
  const [isKept, setIsKept] = useState(false)
  const [id, setId] = useState<string>()
  const { isBusy, error, act } = useAct()

  const begin = async (): Promise<void> => {
    const canary = { count: Number(count), minShare: Number(minPercent) / 100 }
    const job = await ask<JobDetails>(`/api/clusters/${cluster.cluster}/redrive`, {
      method: 'POST',
      body: { ...(steps.length > 0 && { steps }), ...(hasCanary && { canary }) },
    })
    setId(job.id)
    announce('The redrive has begun')
    if (isKept) await keep()
  }
  const keep = (): Promise<unknown> => {
    const { source, pointer, keyword } = cluster
    return ask('/api/repairs', { method: 'POST', body: { source, mends: { pointer, keyword }, steps } })
  }
  return (
    <section class="card stack">
      <h2>Redrive</h2>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void act(begin)
        }}
      >
        <Check
          label="With a canary: some first, and stop if too few of them pass"
          value={hasCanary}
          set={setHasCanary}
        />
        {hasCanary && (
          <div class="search">
            <Input
              label="Letters first"
              name="count"
              type="number"
              value={count}
              onValue={setCount}
              isRequired
            />
            <Input
              label="Go on from % that pass"
              name="minShare"
              type="number"
              value={minPercent}
              onValue={setMinPercent}
              isRequired
            />
          </div>
        )}
        {steps.length > 0 && (
          <Check
            label={`Keep as a rule of ${cluster.source}: mend what comes with this fault on arrival`}
            value={isKept}
            set={setIsKept}
          />
        )}
        {error && <Failure error={error} />}
        <div>
          <button type="submit" class="button primary" aria-disabled={isBusy}>
            Redrive {letters(cluster)}
          </button>
        </div>
      </form>
      {id && <Progress id={id} ended={again} />}
    </section>
  )
}

interface CheckProps {
  readonly label: string
  readonly value: boolean
  readonly set: (value: boolean) => void
}

export function Check({ label, value, set }: CheckProps) {
  return (
    <label class="check">
      <input type="checkbox" checked={value} onChange={({ currentTarget }) => set(currentTarget.checked)} />
      <span>{label}</span>
    </label>
  )
}

interface ProgressProps {
  readonly id: string
  /** Called once the job is at its end. */
  readonly ended?: () => void
}

export function Progress({ id, ended }: ProgressProps) {
  const { data, again } = useAnswer<JobDetails>(`/api/jobs/${id}`, 700)
  const isEnded = data && ['done', 'failed', 'stopped'].includes(data.state)
  useEffect(() => {
    if (isEnded) ended?.()
  }, [isEnded])
  return data ? <JobCard job={data} again={again} /> : null
}
