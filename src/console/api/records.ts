import { z } from 'zod'
import { discard, redrive, unlessPublished } from '../../services/dead-letters.ts'
import { route, type Route } from '../route.ts'
import type { ApiParts } from './parts.ts'
import { reason, record, recordKey, verdict } from './words.ts'

const one = z.strictObject({ key: recordKey })

const redriven = z.object({
  key: recordKey,
  status: z.enum(['published', 'accepted', 'rejected']),
  verdict,
})

export type Redriven = z.output<typeof redriven>

export function recordRoutes(parts: ApiParts): readonly Route[] {
  const { store, registry, reviews, openRules, changes, clusters, clock } = parts
  const number = parts.newNumber()
  return [
    route({
      method: 'POST',
      path: '/api/records/{key}/redrive',
      summary:
        'Interprets one record again, with the review as a person wrote it if there is one, and publishes it where it passes',
      params: one,
      body: z.strictObject({ review: record.optional() }),
      answer: redriven,
      async handle({ params: { key }, body: { review }, who, signal }) {
        const rules = await openRules()
        const options = { store, registry, reviews, rules, number, signal }
        const details = review === undefined ? {} : { byHand: true }
        const change = { who: who.name, what: 'redrive', about: `record ${key}`, details }
        const done = await changes.make(change, () => redrive(key, options, review), unlessPublished)
        clusters.forget()
        return done
      },
    }),
    route({
      method: 'POST',
      path: '/api/records/{key}/discard',
      summary: 'Marks one dead letter as needing no mending; it stays in the store',
      params: one,
      body: z.strictObject({ reason }),
      answer: z.object({ key: recordKey, status: z.literal('discarded') }),
      async handle({ params: { key }, body, who, signal }) {
        const change = { who: who.name, what: 'discard', about: `record ${key}`, details: body }
        await changes.make(change, () => discard(key, body.reason, { store, signal }, clock()))
        clusters.forget()
        return { key, status: 'discarded' as const }
      },
    }),
  ]
}
