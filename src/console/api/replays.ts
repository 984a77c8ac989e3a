import { z } from 'zod'
import { HeadwaterError } from '../../errors.ts'
import { parseTime } from '../../lib/moments.ts'
import type { Queue } from '../../queues/queue.ts'
import type { Stored } from '../../stores/store.ts'
import type { Target } from '../replays.ts'
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

export function replayRoutes(parts: ApiParts): readonly Route[] {
  const { replays, changes, openRules, newNumber, clock } = parts
  return [
    route({
      method: 'POST',
      path: '/api/replays',
      summary:
        'Begins to interpret stored records again and to publish those that are accepted; a dry run only counts',
      body: asked,
      answer: job,
      async handle({ body, who }) {
        const now = clock()
        const { source, product, dryRun } = body
        const window = {
          ...(body.from !== undefined && { from: parseTime(body.from, 'from', now) }),
          ...(body.to !== undefined && { to: parseTime(body.to, 'to', now) }),
        }
        const by = product === undefined ? ({ by: 'time' } as const) : ({ by: 'product', product } as const)
        const where = (record: Stored): boolean =>
          source === undefined || record.received.context.source === source
        const begun = replays.start({
          select: { ...by, ...window, where },
          params: body,
          into: dryRun ? undefined : targetOf(body, parts),
          rules: await openRules(),
          number: newNumber(),
          by: who.name,
        })
        if (!dryRun) {
          const details = { job: begun.id, ...body }
          await changes.note({ who: who.name, what: 'replay', about: `job ${begun.id}`, details })
        }
        return begun
      },
    }),
  ]
}

/** Exactly one is asked for, so that none reaches everyone by accident. */
function targetOf(
  { toTopic, toGroup }: Asked,
  { reviews, openQueue, config }: ApiParts,
): () => Promise<Target> {
  if (toTopic !== undefined) return () => openQueue(toTopic)
  if (toGroup === undefined) return shared((messages, options) => reviews.publish(messages, options))
  const publishTo = reviews.publishTo?.bind(reviews)
  if (publishTo === undefined) {
    const message = `toGroup: a group has no queue of its own on a queue of the type ${config.queue.type}: use toTopic`
    throw new HeadwaterError('USAGE', message)
  }
  return shared((messages, options) => publishTo(toGroup, messages, options))
}

/** The queue is not the replay's alone. */
function shared(publish: Queue['publish']): () => Promise<Target> {
  return async () => ({ publish, [Symbol.asyncDispose]: async () => {} })
}
