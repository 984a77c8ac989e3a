import assert from 'node:assert/strict'
import type { Job } from '../../src/services/job.ts'
import { getJob } from '../../src/services/jobs.ts'
import type { Registry } from '../../src/stores/registry.ts'
import { start } from './cli.ts'
import { eventually } from './pipeline.ts'

/** The job once it is through with so many records, or at its end, while somebody runs it. */
export function jobBehind(done: number, id: string, registry: Registry): Promise<Job> {
  return eventually(
    async () => {
      const job = await getJob(registry, id)
      const isThere = job.owner !== undefined && job.done >= done
      return isThere || job.state === 'done' ? job : undefined
    },
    `${done} records to be done`,
    600_000,
  )
}

/** Goes on with a job from the command line until it is done. */
export async function finish(id: string, folder: string): Promise<Job> {
  await using last = start(['jobs', 'resume', id, '--json'], { cwd: folder })
  const { code, stdout, stderr } = await last.exited
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout) as Job
}
