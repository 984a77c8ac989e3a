import { z } from 'zod'
import { createListeners } from '../listeners.ts'
import { route, type Route } from '../route.ts'
import { EVENT_STREAM } from '../serve.ts'
import type { Now } from './now.ts'
import type { ApiParts } from './parts.ts'

const EVERY_MS = 2_000
const MOST = 64

export function liveRoutes(
  tell: () => Promise<Now>,
  { stopping, logger }: Pick<ApiParts, 'stopping' | 'logger'>,
): readonly Route[] {
  const listeners = createListeners({
    event: 'now',
    tell,
    everyMs: EVERY_MS,
    most: MOST,
    onTrouble: (error) => logger.warn({ error }, 'how it goes could not be told'),
  })
  stopping.addEventListener('abort', () => listeners.end(), { once: true })
  if (stopping.aborted) listeners.end()
  return [
    route({
      path: '/api/live',
      summary: 'What /api/now tells, every two seconds, as server-sent events of the name `now`',
      type: EVENT_STREAM,
      answer: z.undefined(),
      handle({ reply, who }) {
        listeners.add(reply.raw, who.hasEnded)
        reply.hijack()
        return undefined
      },
    }),
  ]
}
