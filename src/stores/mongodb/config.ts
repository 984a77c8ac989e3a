import { z } from 'zod'
import { duration, secret } from '../../lib/fields.ts'
import { tlsFields } from '../../lib/tls.ts'

const MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'MONGODB-X509', 'MONGODB-AWS', 'PLAIN'] as const

const fields = z.strictObject({
  url: secret()
    .regex(
      /^mongodb(\+srv)?:\/\/([^@/?#]*@)?[^@/?#]+([/?][^@]*)?$/,
      'expected mongodb://host:27017, with : / ? # [ ] @ in user and password written as %3A and so on',
    )
    .meta({
      description:
        'Where the database is: a connection string, `mongodb://host:27017,host:27017/?replicaSet=rs0` or `mongodb+srv://host`. It may name user and password. What it says of read and write concern is not followed.',
    }),
  database: z
    .string()
    .regex(/^[^/\\. "$*<>:|?\0]{1,63}$/, 'expected the name of a MongoDB database')
    .default('headwater')
    .meta({ description: 'The database that holds the collections.' }),
  prefix: z
    .string()
    .regex(/^(?!system\.)[A-Za-z0-9_.-]{0,50}$/, 'expected at most 50 of A-Z, a-z, 0-9, _, . and -')
    .default('')
    .meta({ description: 'What the names of all collections begin with.' }),
  username: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Who we are; unlike in the connection string, nothing is escaped here.' }),
  password: secret().optional().meta({ description: 'The password of `username`.' }),
  authSource: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'The database that knows the user; the mechanism decides unless told.' }),
  authMechanism: z
    .enum(MECHANISMS)
    .optional()
    .meta({ description: 'How we say who we are; negotiated unless told.' }),
  tls: tlsFields.optional().meta({
    description: 'How the connection is encrypted. `tls: {}` trusts the authorities of the system.',
  }),
  timeoutMs: duration()
    .refine((ms) => ms >= 100, 'expected 100ms at least')
    .prefault('10s')
    .meta({
      description:
        'How long the database may take to answer anything; then the same is asked again. To find and to reach a server it has half of that.',
    }),
  maxConnections: z
    .int()
    .min(1)
    .max(1_000)
    .default(20)
    .meta({ description: 'How many connections each process opens to a server at most.' }),
})

export const config = fields.refine(
  ({ username, password }) => password === undefined || username !== undefined,
  { path: ['password'], message: 'expected username beside it' },
)

export type Config = z.output<typeof config>
