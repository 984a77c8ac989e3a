import { z } from 'zod'
import type { SourceConfig } from '../../config/schema.ts'
import { HeadwaterError } from '../../errors.ts'
import { inParallel } from '../../lib/parallel.ts'
import { changeSource, type ControlChange } from '../../services/control.ts'
import { NEXT_POLLS } from '../../sources/source.ts'
import type { SourceHealth } from '../../telemetry/health.ts'
import { route, type Route } from '../route.ts'
import type { ApiParts } from './parts.ts'
import { moment, reason } from './words.ts'

const share = z.object({ p50: z.number(), p95: z.number() })

const source = z.object({
  name: z.string(),
  type: z.string(),
  preset: z.string(),
  origin: z.string(),
  enabled: z.boolean(),
  state: z.string().meta({
    description:
      'As in /health/sources; `elsewhere` where this process does not run it, `disabled` where none does.',
  }),
  since: moment.optional(),
  problem: z.string().optional(),
  paused: z.boolean(),
  pause: z
    .object({ reason: z.string().optional(), by: z.string().optional(), at: moment.optional() })
    .optional()
    .meta({ description: 'Who paused it, when and why.' }),
  breaker: z
    .enum(['closed', 'open'])
    .optional()
    .meta({ description: 'Of the provider that is asked; open where it is left alone because it fails.' }),
  quota: z
    .object({ until: moment })
    .optional()
    .meta({ description: 'The provider says that the quota is used up, and until when it is left alone.' }),
  nextPoll: z
    .object({
      state: z.enum(NEXT_POLLS).meta({
        description:
          'What decides when: it is under way or due (`now`), the config or the plan, the budget, the provider that is left ' +
          'alone; `loading` until its products are known, `paused` while nothing is asked for.',
      }),
      at: moment.optional().meta({ description: 'Never past; not there where it is `loading` or `paused`.' }),
    })
    .optional()
    .meta({
      description:
        'When the provider is asked next, at the earliest, by whichever process; some seconds old. Not there for a source ' +
        'that does not poll, that nobody runs, or that has nothing to ask for by itself.',
    }),
  polledAt: moment.optional().meta({ description: 'When it was asked to poll at once last.' }),
  coverage: z
    .object({ told: z.int().optional(), fetched: z.int(), missing: z.int().optional() })
    .optional()
    .meta({
      description: 'How many reviews the provider says there are, and how many the last polls showed.',
    }),
  polling: z
    .object({
      calls: z.int(),
      fresh: z.int(),
      products: z.int(),
      held: z.int(),
      stalenessMs: share.optional(),
    })
    .optional(),
})

export type SourceDetails = z.output<typeof source>

export function sourceRoutes(parts: ApiParts): readonly Route[] {
  const { config, registry, control, clock } = parts

  function changing(wanted: ControlChange['wanted'], summary: string): Route {
    return route({
      method: 'POST',
      path: `/api/sources/{name}/${wanted}`,
      summary,
      params: z.strictObject({ name: z.string().max(100) }),
      body: z.strictObject({ reason: reason.optional() }),
      answer: source,
      async handle({ params: { name }, body, who, signal }) {
        const found = config.sources.find((each) => each.name === name)
        if (!found) throw new HeadwaterError('NOT_FOUND', `the config has no source ${name}`)
        await changeSource(registry, found, { wanted, ...body, by: who.name, at: clock(), signal })
        await control.refresh()
        return tell(found, healthByName(parts).get(name), parts)
      },
    })
  }

  return [
    route({
      path: '/api/sources',
      summary: 'Every source of the config, and how it is',
      answer: z.array(source),
      async handle() {
        const known = healthByName(parts)
        return inParallel(config.sources, (each) => tell(each, known.get(each.name), parts))
      },
    }),
    changing(
      'pause',
      'Asks for nothing more and takes nothing more, in every process; what is in hand is finished',
    ),
    changing('resume', 'Goes on with it'),
    changing('poll', 'Polls it as soon as its provider and its budget allow'),
  ]
}

const healthByName = ({ health }: ApiParts): ReadonlyMap<string, SourceHealth> =>
  new Map(health.sources().map((each) => [each.name, each]))

async function tell(
  config: SourceConfig,
  known: SourceHealth | undefined,
  { control, polling, throttle, nextPoll, clock }: ApiParts,
): Promise<SourceDetails> {
  const { name, type, preset, origin, enabled } = config
  const { paused, reason, by, at, pollAt } = control.stateOf(name)
  const polled = polling(name)
  const wait = await throttle(config)
  const next = await nextPoll(config, wait?.until)
  const isWaiting = wait !== undefined && wait.until > clock()
  return {
    name,
    type,
    preset,
    origin,
    enabled,
    ...(known
      ? { state: known.state, since: known.since, problem: known.detail }
      : { state: enabled ? 'elsewhere' : 'disabled' }),
    paused,
    ...(paused && { pause: { reason, by, at: momentOf(at) } }),
    ...(wait && { breaker: wait.isOpen && isWaiting ? 'open' : 'closed' }),
    ...(next && { nextPoll: { state: next.state, at: momentOf(next.at) } }),
    ...(isWaiting && wait.isQuota && { quota: { until: new Date(wait.until).toISOString() } }),
    polledAt: momentOf(pollAt),
    ...(polled && {
      coverage: { told: polled.told, fetched: polled.fetched, missing: polled.missing },
      polling: {
        calls: polled.calls,
        fresh: polled.fresh,
        products: polled.products,
        held: polled.held,
        stalenessMs: polled.stalenessMs,
      },
    }),
  }
}

const momentOf = (at: number | undefined): string | undefined =>
  at === undefined ? undefined : new Date(at).toISOString()
