import { z } from 'zod'
import { HeadwaterError } from '../../errors.ts'
import { sentenceOf } from '../../event.ts'
import { parseTime } from '../../lib/moments.ts'
import { inParallel } from '../../lib/parallel.ts'
import { candidateOf } from '../../review/interpret.ts'
import { reviewHalves } from '../../review/key.ts'
import { isDiscarded } from '../../review/verdict.ts'
import type { Browsed } from '../../services/browse.ts'
import { documentOf } from '../../services/document.ts'
import { originsIn } from '../../services/origins.ts'
import { type Passport, passportOf, storedAfterMs } from '../../services/passport.ts'
import type { Stored } from '../../stores/store.ts'
import { route, type Route } from '../route.ts'
import type { ApiParts } from './parts.ts'
import { documentFields, moment, record, recordKey, typedTime } from './words.ts'

const STATUSES = ['accepted', 'rejected', 'discarded', 'removed', 'returned'] as const

const summary = z.object({
  key: recordKey,
  origin: z.string(),
  source: z.string(),
  receivedAt: moment,
  status: z.enum(STATUSES),
  code: z.string().optional().meta({ description: 'Why it is a dead letter, for programs.' }),
  error: z.string().optional().meta({ description: 'Why it is a dead letter, for people.' }),
  reviewId: z.string().optional(),
  product: z.string().optional(),
  rating: z.number().optional(),
  title: z.string().optional(),
  text: z.string().meta({ description: 'At most 300 characters: of the review, or of what came.' }),
})

export type Summary = z.output<typeof summary>

const list = z.object({
  records: z.array(summary),
  after: z.string().optional().meta({ description: 'Where to go on; absent where all was looked at.' }),
  looked: z.int().meta({ description: 'How many records were looked at for it.' }),
  isComplete: z.boolean().meta({ description: 'Whether there can be no more that match.' }),
})

export type Found = z.output<typeof list>

const query = z.strictObject({
  review: z.string().max(1_000).optional().meta({ description: 'All versions of a review, by its id.' }),
  product: z.string().max(1_000).optional(),
  source: z.string().max(100).optional(),
  status: z.enum(STATUSES).optional(),
  from: typedTime.optional(),
  to: typedTime.optional(),
  after: z.string().max(100).optional(),
  limit: z.coerce.number().pipe(z.int().min(1).max(200)).default(50),
})

const passport = z.object({
  ...documentFields,
  event: z
    .object({ id: recordKey, topic: z.string() })
    .optional()
    .meta({ description: 'The event that brought it to the queue, and the topic.' }),
  signature: z
    .string()
    .meta({ description: 'How the sender proved who it is; `none` where nothing was asked.' }),
  timings: z.object({
    receivedAt: moment,
    storedAt: documentFields.storedAt,
    storedAfterMs: z
      .int()
      .min(0)
      .optional()
      .meta({ description: 'From received to stored, in milliseconds.' }),
    writtenAt: moment.optional().meta({ description: 'The date that the review itself tells.' }),
  }),
  versions: z.array(
    z.object({
      key: recordKey,
      receivedAt: moment,
      status: z.enum(STATUSES),
      current: z.boolean(),
      changed: z.array(
        z.object({ field: z.string(), before: z.unknown().optional(), after: z.unknown().optional() }),
      ),
    }),
  ),
  candidate: record
    .optional()
    .meta({ description: 'Of a dead letter: what its preset finds, before it is judged.' }),
  settled: z.enum(['stored', 'rejected', 'unchanged']).optional().meta({
    description: 'What the ledger says of the publication that brought it.',
  }),
})

export type PassportDetails = z.output<typeof passport>

const one = z.strictObject({ key: recordKey })

export function reviewRoutes(parts: ApiParts): readonly Route[] {
  const { store, config, openRules } = parts

  async function find(key: string, signal: AbortSignal): Promise<Stored> {
    const row = (await store.get([key], { signal })).get(key)
    if (row) return row
    throw new HeadwaterError('NOT_FOUND', `${key}: no such record`)
  }

  /** What a person who mends a dead letter begins with; undefined for others, and where no rules for it are at hand. */
  async function candidate(row: Stored): Promise<Readonly<Record<string, unknown>> | undefined> {
    if (row.verdict.status !== 'rejected') return undefined
    const rules = await (await openRules())(row).catch(() => undefined)
    return rules && candidateOf(row, rules)
  }

  return [
    route({
      path: '/api/reviews',
      summary: 'Reviews and dead letters, newest first; what no index serves is looked for within bounds',
      query,
      answer: list,
      handle: async ({ query: asked, signal }) => {
        const { records, ...told } = await browse(asked, parts, signal)
        return { records: [...records], ...told }
      },
    }),
    route({
      path: '/api/reviews/{key}',
      summary: 'All that is known of one record',
      params: one,
      answer: passport,
      handle: async ({ params: { key }, signal }) => {
        const found = await passportOf(key, parts, signal)
        if (!found) throw new HeadwaterError('NOT_FOUND', `${key}: no such record`)
        return { ...written(found, config.queue.topics), candidate: await candidate(found.row) }
      },
    }),
    route({
      path: '/api/reviews/{key}/raw',
      summary: 'The exact bytes of one record as they were received',
      params: one,
      type: 'application/octet-stream',
      answer: z.instanceof(Buffer).meta({ type: 'string', format: 'binary' }),
      handle: async ({ params: { key }, reply, signal }) => {
        const { received } = await find(key, signal)
        void reply.header('content-disposition', `attachment; filename="${key}.raw"`)
        return received.raw
      },
    }),
  ]
}

async function browse(
  asked: z.output<typeof query>,
  { browse: look, store, registry, config, clock }: ApiParts,
  signal: AbortSignal,
): Promise<Browsed<Summary>> {
  const { review, product, source, status, limit, after } = asked
  const now = clock()
  const from = asked.from === undefined ? undefined : parseTime(asked.from, 'from', now)
  const to = asked.to === undefined ? undefined : parseTime(asked.to, 'to', now)
  const matches = (record: Stored): boolean =>
    (source === undefined || record.received.context.source === source) &&
    (status === undefined || statusOf(record) === status)
  if (review === undefined) {
    const by = product === undefined ? ({ by: 'time' } as const) : ({ by: 'product', product } as const)
    return look({ by, from, to, where: matches, limit, after, signal })
  }
  const named = config.sources.find(({ name }) => name === source)
  const origins = named ? [named.origin] : await originsIn(registry)
  let found: readonly Summary[] = []
  let looked = 0
  let matched = 0
  async function scan(half: string): Promise<void> {
    for await (const { records } of store.scan({ by: 'review', half, signal })) {
      looked += records.length
      const wanted = records.filter(matches).filter(isWithin(from, to))
      matched += wanted.length
      found = [...found, ...wanted.map(summaryOf)].toSorted(newerFirst).slice(0, MOST_VERSIONS)
    }
  }
  const halves = new Set(origins.flatMap((origin) => reviewHalves(origin, review)))
  await inParallel([...halves], scan, SCANNED_AT_ONCE)
  return { records: found, looked, isComplete: matched <= MOST_VERSIONS }
}

const newerFirst = (a: Summary, b: Summary): number => Date.parse(b.receivedAt) - Date.parse(a.receivedAt)

/** Of one review; they are few, and told at once. */
const MOST_VERSIONS = 1_000
/** A review of which only the id is known is looked for in so many origins at a time. */
const SCANNED_AT_ONCE = 16

const isWithin =
  (from = -Infinity, to = Infinity) =>
  ({ received: { receivedAt } }: Stored): boolean =>
    receivedAt >= from && receivedAt < to

function statusOf({ verdict }: Pick<Stored, 'verdict'>): Summary['status'] {
  return isDiscarded(verdict) ? 'discarded' : verdict.status
}

/** A record in a list. What strangers wrote is cut, and never in the middle of a character. */
export function summaryOf(row: Stored): Summary {
  const { key, received, verdict } = row
  const { origin, receivedAt, context, raw } = received
  const about = {
    key,
    origin,
    source: context.source,
    receivedAt: new Date(receivedAt).toISOString(),
    status: statusOf(row),
  }
  switch (verdict.status) {
    case 'accepted': {
      const { review_id: reviewId, product_id: product, rating, review_text: text, title } = verdict.review
      const named = typeof title === 'string' ? { title: excerpt(title) } : {}
      return { ...about, reviewId, product, rating, ...named, text: excerpt(text) }
    }
    case 'rejected': {
      const { code, product } = verdict
      const error = excerpt(sentenceOf(verdict))
      // Four bytes a character at most; half a character at the end is cut away with the rest.
      const text = excerpt(raw.subarray(0, 4 * (SHOWN + 1)).toString())
      return { ...about, code, error, ...(product !== undefined && { product }), text }
    }
    case 'removed':
    case 'returned': {
      const { review_id: reviewId, product } = verdict
      return { ...about, reviewId, ...(product !== undefined && { product }), text: '' }
    }
  }
}

const SHOWN = 300

function excerpt(text: string): string {
  const characters = Array.from(text.slice(0, 2 * (SHOWN + 1)))
  return characters.length <= SHOWN ? characters.join('') : `${characters.slice(0, SHOWN - 1).join('')}…`
}

function written(
  { row, versions, settled }: Passport,
  topics: { readonly reviews: string; readonly deadLetters: string },
): PassportDetails {
  const { key, received, verdict, ledger } = row
  const document = documentOf(row)
  const { receivedAt, storedAt } = document
  const waitedMs = storedAfterMs(row)
  const topic = verdict.status === 'rejected' ? topics.deadLetters : topics.reviews
  return {
    ...document,
    ...(ledger && { event: { id: key, topic } }),
    signature: received.context.verified ?? 'none',
    timings: {
      receivedAt,
      ...(storedAt !== undefined && { storedAt }),
      ...(waitedMs !== undefined && { storedAfterMs: waitedMs }),
      ...(verdict.status === 'accepted' && { writtenAt: verdict.review.review_timestamp }),
    },
    versions: versions.map(({ receivedAt, changed, ...version }) => ({
      ...version,
      receivedAt: new Date(receivedAt).toISOString(),
      changed: changed.map((each) => ({ ...each })),
    })),
    ...(settled && { settled }),
  }
}
