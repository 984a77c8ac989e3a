import { z, type ZodType } from 'zod'
import type { Verdict } from '../../review/verdict.ts'
import type { Context } from '../../review/received.ts'

/** What more than one subject of the API speaks of. */

export const moment = z.iso.datetime({ offset: true })

/** As people type it: a moment, a day, or how long ago. */
export const typedTime = z
  .string()
  .max(40)
  .meta({ description: 'Such as 2026-01-31T10:00:00Z, 2026-01-31 or 7d.' })

export const recordKey = z.string().regex(/^[0-9a-f]{32}$/, 'expected the 32 hex digits of a record key')

/** The cluster of a dead letter. */
export const clusterId = z.string().regex(/^[0-9a-f]{16}$/, 'expected the 16 hex digits of a cluster')

/** The shape is what a reader may rely on; what it is made from is the room's own type. */
export const verdict = z.looseObject({
  status: z.enum(['accepted', 'rejected', 'removed', 'returned']),
  by: z.looseObject({ preset: z.string(), schema: z.string() }),
}) as unknown as ZodType<Verdict, Verdict>

export const context = z.looseObject({
  source: z.string(),
  kind: z.string(),
}) as unknown as ZodType<Context, Context>

export const record = z.record(z.string(), z.unknown())

/** A short text of a person. */
export const reason = z.string().trim().min(1).max(1_000)

/** A record as `headwater reviews get --json` shows it. */
export const documentFields = {
  key: recordKey,
  revision: z.int().min(0),
  origin: z.string(),
  receivedAt: moment,
  storedAt: moment.optional().meta({
    description: 'When its row was first written in this store; absent where the row does not say it.',
  }),
  verdict,
  context,
  ledger: z.object({ run: z.string(), seq: z.int().min(0) }).optional(),
  rawHash: z.string().meta({ description: 'SHA-256 of raw, in hex.' }),
  raw: z.string().optional().meta({ description: 'Where it is UTF-8.' }),
  rawBase64: z.string().optional().meta({ description: 'Where it is not.' }),
}
