import { z, type ZodType } from 'zod'
import { queues } from '../queues/index.ts'
import { sources } from '../sources/index.ts'
import { stores } from '../stores/index.ts'
import { type Address, address, bytes, duration, isLoopback, secret } from '../lib/fields.ts'
import { alertsFields } from './alerts.ts'
import { type Shape, shapeOf } from './shape.ts'

/** What is in force: complete, checked and frozen. Durations are milliseconds, sizes are bytes. */
export interface Config {
  /** The file it was read from; absent where there was none. */
  readonly path?: string
  /** Where the embedded adapters keep their data. */
  readonly dataDir: string
  readonly sources: readonly SourceConfig[]
  readonly queue: QueueConfig
  readonly store: StoreConfig
  /** Where checkpoints and leases are kept: the store, unless the config names another. */
  readonly registry: StoreConfig
  readonly http: {
    readonly listen: Address
    readonly requestTimeoutMs: number
    readonly maxConnections: number
  }
  readonly admin: {
    readonly listen: Address
    readonly token?: string | undefined
    readonly readOnlyToken?: string | undefined
    readonly publicUrl?: string | undefined
  }
  readonly deadLetters: { readonly maxBytes: number }
  readonly alerts: z.infer<typeof alertsFields>
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' }
  /** The texts that came out of references such as `${NAME}`, as the user wrote them, by their path. */
  readonly references: Readonly<Record<string, string>>
}

export interface SourceConfig extends z.infer<typeof sourceFields> {
  /** A name of the list, or the absolute path of the module of a user's own source. */
  readonly type: string
  readonly origin: string
  /** What the adapter's own schema made of its keys; for its `open`. */
  readonly settings: unknown
}

export interface QueueConfig extends z.infer<typeof queueFields> {
  readonly type: QueueType
  readonly settings: unknown
}

export interface StoreConfig {
  readonly type: StoreType
  readonly settings: unknown
}

export type QueueType = keyof typeof queues
export type StoreType = keyof typeof stores

/** A list of adapters by type, of which only the schema matters here. */
export type Room = Readonly<Record<string, () => Promise<{ readonly default: { readonly config: ZodType } }>>>

export interface Rooms {
  readonly sources: Room
  readonly queues: Room
  readonly stores: Room
}

/** Everything that can be configured. */
export const ROOMS: Rooms = { sources, queues, stores }

/** A section that an adapter completes: only its adapter knows more about it. */
function section(description: string) {
  return z.looseObject({}).meta({ description, expected: 'a mapping such as { type: embedded }' })
}

/** The sections that are the same whatever is chosen, and the places of those that aren't. */
export const topFields = z.strictObject({
  sources: z.array(z.looseObject({})).default([]).meta({ description: 'Where reviews come from.' }),
  queue: section('Carries reviews from the intake to the store.'),
  store: section('Keeps every review and every dead letter.'),
  registry: section('Keeps checkpoints and leases; the store unless told otherwise.').optional(),
  http: z
    .strictObject({
      listen: address()
        .prefault('127.0.0.1:8080')
        .meta({ description: 'The listener for webhooks. It may face the internet.' }),
      requestTimeoutMs: duration()
        .refine((ms) => ms >= 1_000, 'expected at least 1s')
        .prefault('60s')
        .meta({ description: 'How long a request may take to arrive as a whole.' }),
      maxConnections: z.int().positive().default(2_000).meta({
        description: 'How many connections there may be at once; further ones are closed as they come.',
      }),
    })
    .prefault({}),
  admin: z
    .strictObject({
      listen: address().prefault('127.0.0.1:8081').meta({
        description: 'The listener for operators: the console, its API, health, alerts and metrics.',
      }),
      token: secret()
        .optional()
        .meta({ description: 'Asked of operators; needed where other machines can reach the listener.' }),
      readOnlyToken: secret()
        .optional()
        .meta({ description: 'Another one, for those who may look at everything and change nothing.' }),
      publicUrl: z
        .url({ protocol: /^https?$/ })
        .optional()
        .meta({
          description:
            'Where browsers find the console, where a proxy stands in front: `https://headwater.example.com`.',
        }),
    })
    .refine(({ token, readOnlyToken }) => readOnlyToken === undefined || token !== undefined, {
      path: ['readOnlyToken'],
      message: 'expected admin.token too: without one everybody is an operator',
    })
    .refine(({ token, readOnlyToken }) => readOnlyToken === undefined || token !== readOnlyToken, {
      path: ['readOnlyToken'],
      message: 'expected another one than admin.token',
    })
    .refine(({ listen, token }) => isLoopback(listen.host) || token !== undefined, {
      path: ['token'],
      message: 'needed, since other machines can reach admin.listen',
    })
    .prefault({}),
  deadLetters: z
    .strictObject({
      maxBytes: bytes().prefault('10GiB').meta({
        description: 'What dead letters may take of the store, in bytes of raw; beyond it their flow waits.',
      }),
    })
    .prefault({}),
  alerts: alertsFields.prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('info')
        .meta({ description: 'The least important message that is written.' }),
    })
    .prefault({}),
})

const missing = z.enum(['reject', 'derive']).default('reject')

/** What every source has besides its adapter's own keys. */
export const sourceFields = z.strictObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?$/,
      'expected up to 64 letters, digits and inner hyphens',
    )
    .meta({
      description: 'Unique; names the checkpoints, the metrics and, unless told otherwise, the origin.',
    }),
  type: z.string().meta({ description: 'The kind of source, or the path of the module of your own.' }),
  origin: z.string().min(1).max(256).optional().meta({
    description:
      'Who the reviews are from; sources that share it share their reviews. The name unless told otherwise.',
  }),
  preset: z
    .string()
    .min(1)
    .default('canonical')
    .meta({ description: 'How responses become reviews: the name of a preset, or the path of one in YAML.' }),
  enabled: z.boolean().default(true).meta({ description: 'Whether it runs.' }),
  missingUserId: missing.meta({ description: 'What becomes of a review without a user id.' }),
  missingReviewId: missing.meta({ description: 'What becomes of a review without an id of its own.' }),
  versions: z
    .enum(['content', 'raw'])
    .default('content')
    .meta({ description: 'What makes a new version of a review: other content, or any other byte.' }),
})

/** What every queue has besides its adapter's own keys. */
export const queueFields = z.strictObject({
  type: z.string().meta({ description: 'The kind of queue.' }),
  topics: z
    .strictObject({
      reviews: z
        .string()
        .min(1)
        .default('raw-reviews')
        .meta({ description: 'The topic of accepted reviews.' }),
      deadLetters: z
        .string()
        .min(1)
        .default('dead-letter-queue')
        .meta({ description: 'The topic of rejected items.' }),
    })
    .prefault({})
    .refine(({ reviews, deadLetters }) => reviews !== deadLetters, 'expected two different topics'),
})

/** What every store and registry has besides its adapter's own keys. */
export const storeFields = z.strictObject({
  type: z.string().meta({ description: 'The kind of store.' }),
})

/** The shapes of the three kinds of section that an adapter completes. */
export const COMMON = {
  sources: shapeOf(sourceFields),
  queues: shapeOf(queueFields),
  stores: shapeOf(storeFields),
} as const satisfies Record<keyof Rooms, Shape>
