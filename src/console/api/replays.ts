import { z } from 'zod'
import { HeadwaterError } from '../../errors.ts'
import { parseTime } from '../../lib/moments.ts'
import { isGoing } from '../../services/job.ts'
import { listJobs } from '../../services/jobs.ts'
import type { ReplayParams, ReplayTarget } from '../../services/replay-params.ts'
import { route, type Route } from '../route.ts'
import { job } from './jobs.ts'
import type { ApiParts } from './parts.ts'
import { typedTime } from './words.ts'

const name = z.string().trim().min(1).max(255)

const asked = z
  .strictObject({
    from: typedTime.optional(),
    to: typedTime.optional(),
    source: z.string().max(100).optional(),
    product: z.string().max(1_000).optional(),
    toTopic: name.optional().meta({ description: 'Into a queue of its own.' }),
    toGroup: name.optional().meta({ description: 'To one group of the reviews alone.' }),
    toAll: z.boolean().optional().meta({ description: 'Every consumer sees them again.' }),
    dryRun: z.boolean().default(false).meta({ description: 'Only counts.' }),
  })
  .refine(({ toTopic, toGroup, toAll, dryRun }) => {
    const targets = [toTopic !== undefined, toGroup !== undefined, toAll === true].filter(Boolean).length
    return targets === 1 || (dryRun && targets === 0)
  }, 'expected one of toTopic, toGroup and toAll')

type Asked = z.output<typeof asked>

/** Each reads the whole store, maybe. */
const MOST_AT_ONCE = 4

export function replayRoutes({ jobs, registry, clock }: ApiParts): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/replays',
      summary:
        'Begins to interpret stored records again and to publish those that are accepted; a dry run only counts',
      body: asked,
      answer: job,
      async handle({ body, who, signal }) {
        const going = (await listJobs(registry, { signal })).filter(
          (each) => each.kind === 'replay' && isGoing(each),
        )
        if (going.length < MOST_AT_ONCE)
          return jobs.start({ kind: 'replay', params: paramsOf(body, clock()), by: who.name })
        const message = `${going.length} replays are under way: let one of them end, pause it or stop it`
        throw new HeadwaterError('CONFLICT', message)
      },
    }),
  ]
}

function paramsOf(body: Asked, now: number): ReplayParams {
  const { from, to, source, product, dryRun } = body
  const moment = (typed: string, field: string): string =>
    new Date(parseTime(typed, field, now)).toISOString()
  const target = dryRun ? undefined : targetOf(body)
  return {
    ...(from !== undefined && { from: moment(from, 'from') }),
    to: to === undefined ? new Date(now).toISOString() : moment(to, 'to'),
    ...(source !== undefined && { source }),
    ...(product !== undefined && { product }),
    ...(target && { target }),
  }
}

function targetOf({ toTopic, toGroup }: Asked): ReplayTarget {
  if (toTopic !== undefined) return { to: 'topic', name: toTopic }
  if (toGroup !== undefined) return { to: 'group', name: toGroup }
  return { to: 'all' }
}
