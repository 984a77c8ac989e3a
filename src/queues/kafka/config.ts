import { z } from 'zod'
import { bytes, duration, secret } from '../../lib/fields.ts'
import { tlsFields } from '../../lib/tls.ts'

const text = (description: string) => z.string().min(1).meta({ description })

const login = z.strictObject({
  mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).meta({ description: 'How a user logs in.' }),
  username: text('The user.'),
  password: secret().meta({ description: 'Its password.' }),
})

const bearer = z
  .strictObject({
    mechanism: z.literal('OAUTHBEARER').meta({ description: 'Logging in with a token.' }),
    token: secret().optional().meta({ description: 'A token that lasts.' }),
    tokenUrl: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({
        description:
          'Where tokens are issued to a client with its credentials (OAuth 2.0), instead of `token`.',
      }),
    clientId: text('The client, at `token_url`.').optional(),
    clientSecret: secret().optional().meta({ description: 'Its secret.' }),
    scope: text('What the token shall be good for.').optional(),
  })
  .refine(
    ({ token, tokenUrl, clientId, clientSecret }) => {
      const hasAll = [tokenUrl, clientId, clientSecret].every((part) => part !== undefined)
      const hasNone = [tokenUrl, clientId, clientSecret].every((part) => part === undefined)
      return token === undefined ? hasAll : hasNone
    },
    { error: 'expected either token, or token_url, client_id and client_secret' },
  )

export const config = z.strictObject({
  brokers: z
    .array(z.string().regex(/^\S+:\d{1,5}$/, 'expected an address such as kafka-1.example.com:9092'))
    .min(1)
    .meta({ description: 'Where brokers are asked for the others: host and port.' }),
  clientId: text('What this program calls itself to the brokers.').regex(/^\S+$/).default('headwater'),
  groupPrefix: z
    .string()
    .regex(/^[\w.-]*$/, 'expected letters, digits, - . _')
    .default('headwater.')
    .meta({ description: 'What the consumer groups of this installation begin with.' }),
  tls: z.union([z.boolean(), tlsFields]).default(false).meta({
    description: 'Whether connections are encrypted, and how.',
    expected: 'true, false or a mapping',
  }),
  sasl: z
    .discriminatedUnion('mechanism', [login, bearer])
    .optional()
    .meta({ description: 'How this program logs in, where the brokers want it.' }),
  maxMessageBytes: bytes().prefault('900kB').meta({
    description:
      'The largest message that is taken; at least 16 KiB less than `max.message.bytes` of the topic.',
  }),
  compression: z
    .enum(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
    .default('none')
    .meta({ description: 'How messages are compressed on their way and on the brokers.' }),
  publishTimeoutMs: duration()
    .refine((ms) => ms >= 1_000, 'expected at least 1s')
    .prefault('30s')
    .meta({ description: 'How long brokers may take to confirm before a publish fails, and is repeated.' }),
  producers: z.int().positive().default(1).meta({
    description:
      'How many sends may be under way at once, each for partitions of its own; more than one where brokers are far away.',
  }),
  sessionTimeoutMs: duration()
    .refine((ms) => ms >= 1_000, 'expected at least 1s')
    .prefault('10s')
    .meta({
      description: 'How long a reader may be silent before others take over; the brokers have bounds for it.',
    }),
  partitions: z.int().positive().default(12).meta({
    description: 'How many partitions `headwater provision` makes: so many readers can share the work.',
  }),
  replication: z.int().positive().default(3).meta({
    description: 'How many copies of each message there are in a topic made by `headwater provision`.',
  }),
  retentionMs: duration().optional().meta({
    description:
      'How long a topic made by `headwater provision` keeps messages; as the brokers say unless told.',
  }),
})

export type Config = z.output<typeof config>
export type SaslConfig = NonNullable<Config['sasl']>
