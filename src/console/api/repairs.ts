import { z } from 'zod'
import { HeadwaterError } from '../../errors.ts'
import { createRepair } from '../../review/repair.ts'
import { route, type Route } from '../route.ts'
import { steps } from './clusters.ts'
import type { ApiParts } from './parts.ts'
import { moment } from './words.ts'

const mends = z.strictObject({ pointer: z.string().min(1).max(1_000), keyword: z.string().min(1).max(100) })

const kept = z.object({
  source: z.string(),
  id: z.string(),
  mends,
  steps,
  by: z.string(),
  at: moment,
})

export type KeptRepair = z.output<typeof kept>

export function repairRoutes({ kept: repairs, config, changes, clock }: ApiParts): readonly Route[] {
  return [
    route({
      path: '/api/repairs',
      summary: 'The repairs that sources keep: what comes with their fault is mended on arrival',
      query: z.strictObject({ source: z.string().max(100).optional() }),
      answer: z.array(kept),
      handle: async ({ query: { source } }) => [...(await repairs.list(source))],
    }),
    route({
      method: 'POST',
      path: '/api/repairs',
      summary: 'Makes a repair a rule of a source',
      body: z.strictObject({
        source: z.string(),
        mends,
        steps: steps.refine((all) => all.length > 0, 'expected at least one step'),
      }),
      answer: kept,
      async handle({ body: { source, mends: fault, steps: written }, who }) {
        if (!config.sources.some(({ name }) => name === source))
          throw new HeadwaterError('NOT_FOUND', `the config has no source ${source}`)
        const repair = createRepair(fault, written)
        const about = { by: who.name, at: new Date(clock()).toISOString() }
        const details = { id: repair.id, mends: fault, steps: written }
        const change = { who: who.name, what: 'keep repair', about: `source ${source}`, details }
        return { source, ...(await changes.make(change, () => repairs.keep(source, repair, about))) }
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/repairs/{source}/{id}',
      summary: 'Keeps it no longer; what it has mended stays mended',
      params: z.strictObject({ source: z.string().max(100), id: z.string().max(100) }),
      answer: z.undefined(),
      async handle({ params: { source, id }, who }) {
        if (!(await repairs.list(source)).some((each) => each.id === id)) throw notKept(source, id)
        const change = { who: who.name, what: 'drop repair', about: `source ${source}`, details: { id } }
        return changes.make(change, async () => {
          if (!(await repairs.drop(source, id))) throw notKept(source, id)
          return undefined
        })
      },
    }),
  ]
}

const notKept = (source: string, id: string): HeadwaterError =>
  new HeadwaterError('NOT_FOUND', `${source} keeps no repair ${id}`)
