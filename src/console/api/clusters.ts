import { z } from 'zod'
import { HeadwaterError } from '../../errors.ts'
import { stepSchema } from '../../presets/repair.ts'
import { suggest } from '../../presets/suggest.ts'
import { createRepair, type Step } from '../../review/repair.ts'
import { aboutCluster, faultOf, lettersOf } from '../../services/clusters.ts'
import { documentOf } from '../../services/document.ts'
import { preview } from '../../services/preview.ts'
import type { Mute } from '../../services/mutes.ts'
import type { Cluster, Stored } from '../../stores/store.ts'
import { route, type Route } from '../route.ts'
import { job } from './jobs.ts'
import type { ApiParts } from './parts.ts'
import { clusterId, documentFields, moment, reason, record } from './words.ts'

const mute = z.object({ reason: z.string(), by: z.string(), at: moment })

const clusterFields = {
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
  muted: mute.optional(),
}

const cluster = z.object(clusterFields)

export type ClusterSummary = z.output<typeof cluster>

/** As `headwater dlq repair --steps` reads them; stored ones may name a parser that is gone. */
export const steps = z.array(stepSchema).max(20) as unknown as z.ZodType<readonly Step[], readonly Step[]>

const document = z.object(documentFields)

const details = z.object({
  ...clusterFields,
  samples: z.array(document),
  suggestions: z
    .array(z.object({ title: z.string(), steps, passes: z.int(), mends: z.int(), of: z.int() }))
    .meta({ description: 'How the fault could be mended, best first: each was tried on some letters.' }),
})

export type ClusterDetails = z.output<typeof details>

const previewed = z.object({
  looked: z.int(),
  pass: z.int(),
  fail: z.int(),
  isMore: z.boolean().meta({ description: 'Whether there are letters that were not looked at.' }),
  sources: z.array(z.string()),
  reasons: z.array(z.object({ code: z.string(), message: z.string(), count: z.int() })),
  samples: z.array(
    z.object({
      key: z.string(),
      before: record,
      after: record.optional(),
      errors: z
        .array(z.looseObject({ pointer: z.string(), keyword: z.string(), message: z.string() }))
        .optional(),
    }),
  ),
})

export type Preview = z.output<typeof previewed>

const one = z.strictObject({ id: clusterId })

/** So many letters are shown, and so many are tried for suggestions. */
const SHOWN = 5
const TRIED = 20
/** A preview that a person waits for looks at so many at most. */
const PREVIEWED = 10_000

export function clusterRoutes(parts: ApiParts): readonly Route[] {
  const { clusters, store, mutes, jobs, openRules } = parts

  /** Nothing where its first letter was mended since. */
  async function told(found: Cluster, countedAt: number, muted: Mute | undefined) {
    const hasRaw = found.first.received.raw.length > 0
    const rules = hasRaw ? await (await openRules())(found.first).catch(() => undefined) : undefined
    const about = aboutCluster(found, rules)
    if (!about) return []
    return [{ ...about, countedAt: new Date(countedAt).toISOString(), ...(muted && { muted }) }]
  }

  async function find(id: string, signal: AbortSignal) {
    const { clusters: all, countedAt } = await clusters.count()
    const letters = await lettersOf(store, id, { most: TRIED, signal })
    const found = all.find(({ cluster: each }) => each === id)
    return { letters, countedAt, found: found ? { ...found, first: letters[0] } : alone(id, letters) }
  }

  const repairOf = (letters: readonly [Stored, ...Stored[]], written: readonly Step[] | undefined) =>
    written === undefined || written.length === 0 ? undefined : createRepair(faultOf(letters[0]), written)

  return [
    route({
      path: '/api/clusters',
      summary: 'The faults that dead letters share, the most frequent first; at most 1,000',
      query: z.strictObject({
        muted: z.stringbool().default(false).meta({ description: 'Also those that are muted.' }),
      }),
      answer: z.array(cluster),
      async handle({ query }) {
        const [{ clusters: all, countedAt }, muted] = await Promise.all([clusters.count(), mutes.list()])
        const shown = all.filter((each) => query.muted || !muted.has(each.cluster))
        const found = await Promise.all(shown.map((each) => told(each, countedAt, muted.get(each.cluster))))
        return found.flat()
      },
    }),
    route({
      path: '/api/clusters/{id}',
      summary: 'One of them, with some of its letters and how it could be mended',
      params: one,
      answer: details,
      async handle({ params: { id }, signal }) {
        const { letters, countedAt, found } = await find(id, signal)
        const [about] = await told(found, countedAt, (await mutes.list()).get(id))
        if (!about)
          throw new HeadwaterError('NOT_FOUND', `no dead letter of the cluster ${id} waits to be mended`)
        return {
          ...about,
          samples: letters.slice(0, SHOWN).map(documentOf),
          suggestions: [...(await suggested(letters, parts))],
        }
      },
    }),
    route({
      method: 'POST',
      path: '/api/clusters/{id}/preview',
      summary: 'What would become of its letters; nothing is changed by finding out',
      access: 'reader',
      params: one,
      body: z.strictObject({
        steps,
        most: z
          .int()
          .min(1)
          .max(PREVIEWED)
          .default(PREVIEWED)
          .meta({ description: 'Looks at so many letters and no further.' }),
      }),
      answer: previewed,
      async handle({ params: { id }, body, signal }) {
        const letters = await lettersOf(store, id, { most: 1, signal })
        const repair = repairOf(letters, body.steps)
        const found = await preview({
          store,
          cluster: id,
          rules: await openRules(),
          signal,
          limit: body.most,
          ...(repair && { repair }),
        })
        return found as Preview
      },
    }),
    route({
      method: 'POST',
      path: '/api/clusters/{id}/redrive',
      summary:
        'Begins to interpret its letters again, with a repair if there are steps, and to publish those that pass',
      params: one,
      body: z.strictObject({
        steps: steps.optional(),
        canary: z
          .strictObject({ count: z.int().min(1).max(10_000), minShare: z.number().min(0).max(1) })
          .optional()
          .meta({ description: 'So many first; it stops where a smaller share of them passes.' }),
      }),
      answer: job,
      async handle({ params: { id }, body: { steps: written, canary }, who, signal }) {
        const letters = await lettersOf(store, id, { most: 1, signal })
        const repair = repairOf(letters, written)
        const params = { cluster: id, ...(repair && { repair }), ...(canary && { canary }) }
        clusters.forget()
        return jobs.start({ kind: 'redrive', params, by: who.name })
      },
    }),
    route({
      method: 'POST',
      path: '/api/clusters/{id}/discard',
      summary: 'Begins to mark its letters as needing no mending; they stay in the store',
      params: one,
      body: z.strictObject({ reason }),
      answer: job,
      handle({ params: { id }, body, who }) {
        clusters.forget()
        return jobs.start({ kind: 'discard', params: { cluster: id, reason: body.reason }, by: who.name })
      },
    }),
    route({
      method: 'POST',
      path: '/api/clusters/{id}/mute',
      summary: 'Shows it no more unasked',
      params: one,
      body: z.strictObject({ reason }),
      answer: mute,
      handle: ({ params: { id }, body, who }) => mutes.mute(id, body.reason, who.name),
    }),
    route({
      method: 'POST',
      path: '/api/clusters/{id}/unmute',
      summary: 'Shows it again',
      params: one,
      answer: z.undefined(),
      handle: ({ params: { id }, who }) => mutes.unmute(id, who.name) as Promise<undefined>,
    }),
  ]
}

/** One that is not among the most frequent: as many letters as were read of it. */
function alone(id: string, letters: readonly [Stored, ...Stored[]]): Cluster {
  return { cluster: id, count: letters.length, first: letters[0], last: letters.at(-1) ?? letters[0] }
}

async function suggested(letters: readonly [Stored, ...Stored[]], { openRules }: ApiParts) {
  const [fault] = letters[0].verdict.status === 'rejected' ? letters[0].verdict.errors : []
  if (fault === undefined || fault.pointer === '') return []
  try {
    const rulesOf = await openRules()
    const judged = await Promise.all(
      letters.map(async (letter) => ({ record: letter, rules: await rulesOf(letter) })),
    )
    return suggest(fault, judged)
  } catch (error) {
    // The config no longer has the source, and nothing says by which rules its letters could be judged.
    if (error instanceof HeadwaterError && error.code === 'USAGE') return []
    throw error
  }
}
