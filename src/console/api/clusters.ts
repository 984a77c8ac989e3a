import { z } from 'zod'
import { sentenceOf } from '../../event.ts'
import { type Cluster, MOST_COUNTED } from '../../stores/store.ts'
import { route, type Route } from '../route.ts'
import type { ApiParts } from './parts.ts'
import { clusterId, moment } from './words.ts'

export const clusterFields = {
  cluster: clusterId,
  count: z.int().min(0),
  isMore: z.boolean().meta({ description: 'Whether there are more than were counted.' }),
  origin: z.string(),
  source: z.string(),
  preset: z.string(),
  code: z.string(),
  pointer: z.string().meta({ description: 'The field at fault, of the candidate review.' }),
  keyword: z.string(),
  shape: z.string().optional().meta({ description: 'What kind of value is there: "9.9 a a 9 a".' }),
  error: z.string(),
  firstAt: moment,
  lastAt: moment,
  countedAt: moment.meta({ description: 'When they were counted: some seconds ago, where they are many.' }),
  muted: z.object({ reason: z.string(), by: z.string(), at: moment }).optional(),
}

const cluster = z.object(clusterFields)

export type ToldCluster = z.input<typeof cluster>

export function clusterRoutes(parts: ApiParts): readonly Route[] {
  const { clusters } = parts
  return [
    route({
      path: '/api/clusters',
      summary: 'The faults that dead letters share, the most frequent first; at most 1,000',
      answer: z.array(cluster),
      handle: async () => {
        const { clusters: all, countedAt } = await clusters.count()
        return (await Promise.all(all.map((each) => told(each, countedAt, parts)))).flat()
      },
    }),
  ]
}

/** Nothing where its first letter was mended since. */
async function told(
  { cluster: id, count, first, last }: Cluster,
  countedAt: number,
  { shapeOf }: ApiParts,
): Promise<readonly ToldCluster[]> {
  const { verdict, received } = first
  if (verdict.status !== 'rejected') return []
  const [fault] = verdict.errors
  return [
    {
      cluster: id,
      count,
      isMore: count === MOST_COUNTED,
      origin: received.origin,
      source: received.context.source,
      preset: verdict.by.preset,
      code: verdict.code,
      pointer: fault?.pointer ?? '',
      keyword: fault?.keyword ?? '',
      shape: await shapeOf(first),
      error: sentenceOf(verdict),
      firstAt: new Date(first.received.receivedAt).toISOString(),
      lastAt: new Date(last.received.receivedAt).toISOString(),
      countedAt: new Date(countedAt).toISOString(),
    },
  ]
}
