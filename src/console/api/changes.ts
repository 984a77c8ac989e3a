import { z } from 'zod'
import { route, type Route } from '../route.ts'
import type { ApiParts } from './parts.ts'
import { moment, record } from './words.ts'

const list = z.object({
  changes: z.array(
    z.object({
      id: z.string(),
      at: moment,
      who: z.string(),
      what: z.string(),
      about: z.string(),
      details: record,
    }),
  ),
  after: z.string().optional().meta({ description: 'Where to go on; absent at the end.' }),
})

export type Changes = z.output<typeof list>

export function changeRoutes({ changes }: Pick<ApiParts, 'changes'>): readonly Route[] {
  return [
    route({
      path: '/api/changes',
      summary: 'Who changed what, the newest first',
      query: z.strictObject({
        after: z.string().max(100).optional(),
        limit: z.coerce.number().pipe(z.int().min(1).max(500)).default(100),
      }),
      answer: list,
      async handle({ query: { after, limit } }) {
        const found = await changes.list({ limit, ...(after !== undefined && { after }) })
        return { ...found, changes: [...found.changes] }
      },
    }),
  ]
}
