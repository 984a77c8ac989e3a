import { z } from 'zod'
import { duration } from '../../lib/fields.ts'
import { writeDuration } from '../../lib/units.ts'
import { pagingField } from '../http/paging-field.ts'
import { listedField } from '../http/products.ts'
import { hostFields, limitFields, PRODUCT, requestFields } from '../http/request.ts'
import { leaseField } from '../leases/lease-field.ts'
import { config as webhook } from '../webhook/config.ts'

/** Stands for the id of a job. */
export const JOB = '{job}'

const SHORTEST_MS = 1_000

const pointer = z.string().regex(/^\/.*$/, 'expected a JSON pointer such as /snapshot_id')

function pointers(description: string) {
  return z.union([pointer, z.array(pointer).min(1)]).meta({ description })
}

function words(description: string) {
  return z
    .array(z.union([z.string().min(1), z.number()]))
    .default([])
    .meta({ description: `${description} A \`*\` at the end of a word stands for any ending.` })
}

/** Each a duration of at least a second. */
function pace(fallback: string, description: string) {
  return duration()
    .refine((ms) => ms >= SHORTEST_MS, `expected at least ${writeDuration(SHORTEST_MS)}`)
    .prefault(fallback)
    .meta({ description })
}

const params = z
  .record(z.string(), z.string())
  .default({})
  .meta({ secret: true, description: 'Query parameters.' })

const url = requestFields.url

const trigger = z
  .strictObject({
    url: url.meta({
      description: `What begins a job; \`${PRODUCT}\` in it stands for each product in turn.`,
    }),
    method: z.enum(['GET', 'POST']).default('POST').meta({ description: 'How it is asked.' }),
    params: requestFields.params,
    body: requestFields.body,
    job: pointers(
      'Where the answer has the id of the job: a JSON pointer, or several of which one is enough.',
    ),
  })
  .meta({ description: 'How a job is begun. Left out where jobs are scheduled at the provider.' })

const progress = z
  .strictObject({
    url: url.optional().meta({
      description: `What tells how a job is, with \`${JOB}\` in it; without it, the download is asked.`,
    }),
    params,
    status: pointers(
      'Where an answer, of the download too, says how the job is. A download with nothing there is the result.',
    ).optional(),
    done: words('What stands there once the result may be had. Unknown words mean: not yet.'),
    empty: words('What stands there where the job is done and found nothing.'),
    failed: words('What stands there once there will be none.'),
    everyMs: pace('10s', 'How often is asked; less often where the provider says so in `Retry-After`.'),
    deadlineMs: pace('24h', 'How long after its beginning a job without a result is given up.'),
  })
  .prefault({})
  .meta({ description: 'How a job is waited for.' })

const download = z
  .strictObject({
    url: url.optional().meta({ description: `Where the result is, with \`${JOB}\` in it.` }),
    params: requestFields.params.meta({ description: `Query parameters; \`${JOB}\` may stand in a value.` }),
    paging: pagingField,
    links: pointers(
      'Where an answer, or a notification, has a list of the URLs of the result, in place of the result.',
    ).optional(),
    hosts: z
      .array(z.string().regex(/^[\w.-]+(:\d+)?$/, 'expected a host such as files.example.com'))
      .default([])
      .meta({
        description: 'Where such links may lead besides the hosts of the other URLs; no header goes there.',
      }),
  })
  .meta({ description: 'How the result is had.' })

const notify = z
  .strictObject({
    path: webhook.shape.path.meta({
      description: 'Where the provider tells of its jobs; `/hooks/<name of the source>` unless told.',
    }),
    verify: webhook.shape.verify,
    job: pointers('Where a notification has the id of the job.').optional(),
    param: z.string().min(1).optional().meta({
      description: 'The query parameter that has the id of the job, for notifications without a body.',
    }),
    status: pointers('Where a notification says what happened; without it, each one means done.').optional(),
    done: words(
      'What stands there where the result may be had. Other notifications are answered and do nothing.',
    ),
    failed: words('What stands there where there will be none.'),
    acceptUnknown: z
      .boolean()
      .default(false)
      .meta({ description: 'Whether jobs that this source did not begin are downloaded too.' }),
  })
  .meta({ description: 'Has the provider tell when a job is done.' })

/** What the source is told, before it is checked as a whole. */
const fields = z.strictObject({
  headers: requestFields.headers.meta({
    description: 'Sent with every request, to the hosts of the URLs of this source only.',
  }),
  trigger: trigger.optional(),
  progress,
  download,
  notify: notify.optional(),
  products: listedField,
  everyMs: pace('1d', 'How long after the beginning of a job the next one begins, for each product.'),
  jobsAtOnce: z.int().min(1).default(10).meta({
    description: 'How many jobs may be under way at the same time, of all products and processes together.',
  }),
  budget: z
    .strictObject({
      jobs: z.int().min(1).meta({ description: 'How many jobs may be begun, repeated ones too.' }),
      perMs: pace('1d', 'In how long.'),
    })
    .optional()
    .meta({ description: 'The most that is begun, whatever fails. It survives restarts.' }),
  retries: z.int().min(0).default(2).meta({
    description: 'How often a job that failed, expired or was lost is begun anew before `every` has passed.',
  }),
  leaseMs: leaseField,
  ...hostFields,
  ...limitFields,
})

export const config = fields.superRefine((given, context) => {
  const { trigger, progress, download, notify, products } = given
  const wrong = (path: string[], message: string): void => context.addIssue({ code: 'custom', path, message })
  if (trigger === undefined && notify?.acceptUnknown !== true) {
    wrong(['trigger'], 'needed, unless `notify: { accept_unknown: true }` tells of jobs')
  }
  if (trigger?.method === 'GET' && trigger.body !== undefined) {
    wrong(['trigger', 'body'], 'needs `method: POST`')
  }
  const isByProduct = trigger !== undefined && holds(PRODUCT, trigger)
  if (isByProduct && products === undefined) {
    wrong(['products'], `needed, since ${PRODUCT} stands in url, params or body of trigger`)
  } else if (!isByProduct && products !== undefined) {
    wrong(['products'], `needs ${PRODUCT} somewhere in url, params or body of trigger`)
  }
  if (progress.url !== undefined && !holds(JOB, progress)) {
    wrong(['progress', 'url'], `expected ${JOB} in url or params of progress`)
  }
  const isTold = download.links !== undefined && notify !== undefined
  if (download.url === undefined ? !isTold : !holds(JOB, download)) {
    wrong(['download', 'url'], `expected ${JOB} in url or params of download`)
  }
  const hasUrl = [trigger?.url, progress.url, download.url].some((given) => given !== undefined)
  if (!hasUrl && download.hosts.length === 0) {
    wrong(['download', 'hosts'], 'needed, since no URL of this source says where links may lead')
  }
  if (notify !== undefined && notify.job === undefined && notify.param === undefined) {
    wrong(['notify', 'job'], 'needed, or `param`: a notification says which job it is about')
  }
})

export type Config = z.output<typeof config>
export type Trigger = NonNullable<Config['trigger']>
export type Notify = NonNullable<Config['notify']>

interface Parts {
  readonly url?: string | undefined
  readonly params: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

function holds(placeholder: string, { url = '', params, body = '' }: Parts): boolean {
  return [url, body, ...Object.values(params)].some((text) => text.includes(placeholder))
}
