import { z } from 'zod'
import { duration, secret } from '../../lib/fields.ts'
import { tlsFields } from '../../lib/tls.ts'

const units = (what: string) =>
  z
    .int()
    .min(1)
    .meta({ description: `${what} units a second of each table and index.` })

const credentials = z.strictObject({
  accessKeyId: z.string().min(1).meta({ description: 'The id of an access key.' }),
  secretAccessKey: secret().meta({ description: 'Its secret.' }),
  sessionToken: secret().optional().meta({ description: 'The token of temporary credentials.' }),
})

export const config = z.strictObject({
  region: z.string().min(1).optional().meta({
    description: 'The AWS region; that of `AWS_REGION` or of the profile unless told.',
  }),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({ description: 'Another address than that of the region: a VPC endpoint, or DynamoDB Local.' }),
  profile: z.string().min(1).optional().meta({
    description: 'A profile of the AWS files, which may name a role or single sign-on.',
  }),
  credentials: credentials.optional().meta({
    description: 'An access key; what the default chain of AWS finds unless told: environment, files, role.',
  }),
  tls: tlsFields.prefault({}),
  prefix: z
    .string()
    .regex(/^[\w.-]{0,200}$/, 'expected letters, digits, _, - and . only')
    .default('headwater-')
    .meta({ description: 'What the names of the tables begin with.' }),
  provisioned: z
    .strictObject({ readUnits: units('Read'), writeUnits: units('Write') })
    .optional()
    .meta({ description: 'Capacity that `provision` gives new tables; on demand unless told.' }),
  shards: z
    .int()
    .min(1)
    .max(64)
    .default(8)
    .meta({
      description:
        'Into how many partitions `provision` cuts a day, a product and a cluster of the indexes, each good for 1,000 ' +
        'writes a second. Fixed for good when the tables are made.',
    }),
  expireAfterMs: duration().optional().meta({
    description:
      'After how long DynamoDB deletes a row, counted from when it was received; never unless told.',
  }),
  timeoutMs: duration().prefault('10s').meta({
    description: 'How long one request may take, with its repetitions; beyond it the whole call is repeated.',
  }),
  concurrency: z.int().min(1).max(1_000).default(64).meta({
    description: 'How many requests are under way at a time; of those that write many rows, an eighth of it.',
  }),
})

export type Config = z.output<typeof config>
