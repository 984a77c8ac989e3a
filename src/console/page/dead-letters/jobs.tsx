import type { JobDetails } from '../../api/jobs.ts'
import { useAnswer } from '../ask.ts'
import { clusterOf, JobCard } from './job-card.tsx'

const LOOK_EVERY_MS = 1_500
const SHOWN = 10

interface JobsProps {
  readonly kinds: readonly JobDetails['kind'][]
  readonly cluster?: string
}

/** Jobs that are under way or have ended lately. */
export function Jobs({ kinds, cluster }: JobsProps) {
  const { data = [], again } = useAnswer<readonly JobDetails[]>('/api/jobs', LOOK_EVERY_MS)
  const jobs = data.filter(
    (job) => kinds.includes(job.kind) && (cluster === undefined || clusterOf(job) === cluster),
  )
  if (jobs.length === 0) return null
  return (
    <section aria-label="Jobs">
      <h2>Jobs</h2>
      <ul class="results">
        {jobs.slice(0, SHOWN).map((job) => (
          <li key={job.id}>
            <JobCard job={job} again={again} />
          </li>
        ))}
      </ul>
    </section>
  )
}
