import { z } from 'zod'
import { changeRoutes } from './api/changes.ts'
import { clusterRoutes } from './api/clusters.ts'
import { jobRoutes } from './api/jobs.ts'
import { liveRoutes } from './api/live.ts'
import { createNow, nowRoutes } from './api/now.ts'
import type { ApiParts } from './api/parts.ts'
import { recordRoutes } from './api/records.ts'
import { repairRoutes } from './api/repairs.ts'
import { replayRoutes } from './api/replays.ts'
import { reviewRoutes } from './api/reviews.ts'
import { sessionRoutes } from './api/session.ts'
import { settingsRoutes } from './api/settings.ts'
import { sourceRoutes } from './api/sources.ts'
import { describeApi } from './openapi.ts'
import { route, type Route } from './route.ts'

/** Everything that the console asks and does; dispose of it to end what goes on beside the answers. */
export function openApi(parts: ApiParts): { readonly routes: readonly Route[] } & Disposable {
  const now = createNow(parts)
  const subjects = [
    ...sessionRoutes(parts),
    ...nowRoutes(now),
    ...liveRoutes(now, parts),
    ...sourceRoutes(parts),
    ...reviewRoutes(parts),
    ...clusterRoutes(parts),
    ...jobRoutes(parts),
    ...recordRoutes(parts),
    ...repairRoutes(parts),
    ...replayRoutes(parts),
    ...changeRoutes(parts),
    ...settingsRoutes(parts),
  ]
  let described: ReturnType<typeof describeApi> | undefined
  const routes: readonly Route[] = [
    route({
      path: '/api',
      summary: 'This document: OpenAPI 3.1',
      access: 'nobody',
      answer: z.record(z.string(), z.unknown()),
      handle: () => (described ??= describeApi(routes)),
    }),
    ...subjects,
  ]
  return { routes, [Symbol.dispose]: () => now[Symbol.dispose]() }
}
