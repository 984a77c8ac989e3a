import { z } from 'zod'
import type { Job } from '../../services/job.ts'
import { getJob, listJobs } from '../../services/jobs.ts'
import { route, type Route } from '../route.ts'
import type { ApiParts } from './parts.ts'
import { moment } from './words.ts'

const count = z.int().min(0)

const progress = {
  id: z.string(),
  state: z.enum(['canary', 'running', 'paused', 'stopped', 'failed', 'done']),
  why: z.string().optional().meta({ description: 'Why it is in this state, where that needs saying.' }),
  total: count.optional().meta({
    description: 'How many letters there were when it began, counted to 10,000; not known of a replay.',
  }),
  done: count,
  passed: count.meta({
    description: 'Published, or discarded; of a replay without a target: would be published.',
  }),
  failed: count,
  reasons: z.array(z.object({ code: z.string(), message: z.string(), count })),
  by: z.string(),
  startedAt: moment,
  updatedAt: moment,
}

const ofLetters = z.looseObject({
  ...progress,
  kind: z.enum(['redrive', 'discard']),
  params: z.looseObject({ cluster: z.string() }),
})

const ofReplay = z.looseObject({
  ...progress,
  kind: z.literal('replay'),
  params: z.looseObject({
    from: moment.optional(),
    to: moment,
    source: z.string().optional(),
    product: z.string().optional(),
    target: z
      .object({ to: z.enum(['group', 'topic', 'all']), name: z.string().optional() })
      .optional()
      .meta({ description: 'Without one it only counts.' }),
  }),
})

export type ReplayDetails = z.output<typeof ofReplay>
export type JobDetails = z.output<typeof ofLetters> | ReplayDetails

/** What is said of a job; what only those who run it need is not described. */
export const job = z.discriminatedUnion('kind', [ofLetters, ofReplay]) as unknown as z.ZodType<Job, Job>

const one = z.strictObject({ id: z.string().min(1).max(100) })

export function jobRoutes({ registry, jobs, clusters }: ApiParts): readonly Route[] {
  const asking = (wanted: 'pause' | 'resume' | 'stop', summary: string): Route =>
    route({
      method: 'POST',
      path: `/api/jobs/{id}/${wanted}`,
      summary,
      params: one,
      answer: job,
      async handle({ params: { id }, who }) {
        clusters.forget()
        return jobs.ask(id, wanted, who.name)
      },
    })

  return [
    route({
      path: '/api/jobs',
      summary: 'Redrives, discards and replays, the newest first',
      answer: z.array(job),
      handle: async ({ signal }) => [...(await listJobs(registry, { signal }))],
    }),
    route({
      path: '/api/jobs/{id}',
      summary: 'One of them',
      params: one,
      answer: job,
      handle: async ({ params: { id } }) => getJob(registry, id),
    }),
    asking('pause', 'Pauses it behind the batch that is under way'),
    asking('resume', 'Goes on with it; also where it was stopped or failed'),
    asking('stop', 'Stops it behind the batch that is under way; what is done stays done'),
  ]
}
