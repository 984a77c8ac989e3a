import { z } from 'zod'
import { duration, secret } from '../../lib/fields.ts'
import { tlsFields } from '../../lib/tls.ts'

const NAME = /^[a-z][a-z0-9_]{0,47}$/

export const config = z
  .strictObject({
    contactPoints: z
      .array(
        z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:[\]@/]+)(:\d{1,5})?$/, 'expected a host, or host:port'),
      )
      .min(1)
      .meta({
        description:
          'Some nodes of the cluster, as `host` or `host:port`; the others are found by them. The port is 9042 unless told.',
      }),
    localDataCenter: z.string().min(1).meta({
      description:
        'The data centre whose nodes are used, and whose quorum is asked: the same for all processes of a pipeline.',
    }),
    keyspace: z
      .string()
      .regex(NAME, 'expected at most 48 of a-z, 0-9 and _, beginning with a letter')
      .default('headwater')
      .meta({ description: 'The keyspace that holds the tables.' }),
    replication: z.record(z.string().min(1), z.int().min(1).max(100)).optional().meta({
      description:
        'How many copies each data centre keeps, such as `{ dc1: 3 }`; read by `headwater provision` alone, when it makes the keyspace. Three in `local_data_center` unless told.',
    }),
    username: z.string().min(1).optional().meta({ description: 'Who we are, where the cluster asks.' }),
    password: secret().optional().meta({ description: 'The password of `username`.' }),
    tls: tlsFields.optional().meta({
      description:
        'How connections are encrypted; plain unless told. `{}` encrypts with the authorities of the system.',
    }),
    timeoutMs: duration()
      .refine((ms) => ms >= 100, 'expected 100ms at least')
      .prefault('5s')
      .meta({
        description:
          'How long a node may take to answer, or to be connected to; then another one is asked, and in the end the work is tried again.',
      }),
  })
  .refine(({ username, password }) => (username === undefined) === (password === undefined), {
    message: 'expected username and password, or neither',
    path: ['password'],
  })

export type Config = z.output<typeof config>
