import { z } from 'zod'
import { bytes, duration, secret } from '../../lib/fields.ts'
import { tlsFields } from '../../lib/tls.ts'
import { SLOTS } from './names.ts'

const SECOND_MS = 1_000

export const config = z.strictObject({
  url: secret().refine(isAmqpUrl, 'expected an address such as amqp://user:password@host:5672/vhost').meta({
    description:
      'Where the broker is, who we are, and the virtual host: `amqp://user:password@host:5672/vhost`, or `amqps://`. With `amqps`, `tls.cert` and no user, our certificate says who we are (EXTERNAL).',
  }),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{0,50}$/, 'expected at most 50 of A-Z, a-z, 0-9, _, . and -')
    .refine((prefix) => !prefix.startsWith('amq.'), 'the broker keeps names that begin with amq. to itself')
    .default('headwater.')
    .meta({ description: 'What the names of all exchanges and queues begin with.' }),
  queues: z.int().min(1).max(SLOTS).default(4).meta({
    description:
      'Over how many queues the keys of a group are spread: as many readers share it at most. What a group was made with stays.',
  }),
  prefetch: z
    .int()
    .min(1)
    .max(65_535)
    .default(100)
    .meta({ description: 'How many unacknowledged messages of one queue a reader holds at most.' }),
  maxMessageBytes: bytes().prefault('1MiB').meta({
    description:
      'The largest body that is taken. A reader holds up to `queues` × `prefetch` of them in memory.',
  }),
  publishTimeoutMs: duration().prefault('30s').meta({
    description: 'How long the broker may take to confirm; then the same messages are published again.',
  }),
  heartbeatMs: duration()
    .refine((ms) => ms >= SECOND_MS && ms % SECOND_MS === 0, 'expected whole seconds, one at least')
    .prefault('10s')
    .meta({ description: 'A connection that is silent for two to three times as long is made anew.' }),
  tls: tlsFields
    .optional()
    .meta({ description: 'How the connection is encrypted, with an `amqps` address.' }),
})

export type Config = z.output<typeof config>

function isAmqpUrl(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^amqps?:$/.test(url.protocol) && url.hostname !== '' && url.search + url.hash === ''
}
