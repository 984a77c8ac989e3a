import { z } from 'zod'
import { HeadwaterError } from '../../errors.ts'
import { bytes, duration } from '../../lib/fields.ts'
import { formatBytes } from '../../lib/units.ts'

const HOUR_MS = 3_600_000
/** What a partition key may take beside the body: 256 characters of at most four bytes. */
export const KEY_BYTES = 1_024
/** More than this Kinesis takes of nobody. */
const LARGEST_BYTES = 10 * 1_024 * 1_024

export const config = z
  .strictObject({
    region: z.string().min(1).optional().meta({
      description: "The AWS region; what AWS's library finds (`AWS_REGION`, the profile) unless told.",
    }),
    endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({ description: 'The URL of a VPC endpoint or an emulator, in place of that of the region.' }),
    prefix: z
      .string()
      .regex(/^[\w.-]+$/, 'takes letters, digits and _ . - only')
      .optional()
      .meta({ description: 'What the name of a stream begins with; the topic follows.' }),
    mode: z
      .enum(['provisioned', 'on-demand'])
      .default('provisioned')
      .meta({ description: 'The capacity mode of a stream that `headwater provision` makes.' }),
    shards: z
      .int()
      .min(1)
      .max(10_000)
      .default(4)
      .meta({ description: 'How many shards a stream is made with, where its mode is `provisioned`.' }),
    retentionMs: duration()
      .prefault('24h')
      .refine((ms) => ms % HOUR_MS === 0 && ms >= 24 * HOUR_MS && ms <= 8_760 * HOUR_MS, {
        error: 'expected whole hours from 24h to 365d',
      })
      .meta({ description: 'How long a stream that is made keeps its records, read or not.' }),
    maxMessageBytes: bytes()
      .prefault('1MiB')
      .refine((size) => size > KEY_BYTES && size <= LARGEST_BYTES, {
        error: `expected more than ${formatBytes(KEY_BYTES)} and at most ${formatBytes(LARGEST_BYTES)}`,
      })
      .meta({ description: 'The largest record that the stream takes, 1 KiB of it kept for the key.' }),
    maxRequestBytes: bytes()
      .prefault('5MiB')
      .refine((size) => size <= LARGEST_BYTES, { error: `expected at most ${formatBytes(LARGEST_BYTES)}` })
      .meta({ description: 'The most that one request carries.' }),
    publishTimeoutMs: duration()
      .prefault('30s')
      .meta({ description: 'How long a publish may take until it counts as failed and is repeated.' }),
    leaseMs: duration()
      .prefault('10s')
      .refine((ms) => ms >= 1_000, { error: 'expected at least 1s' })
      .meta({ description: 'A reader that is silent for so long has lost its shards to the others.' }),
    pollIntervalMs: duration()
      .prefault('250ms')
      .refine((ms) => ms >= 10, { error: 'expected at least 10ms' })
      .meta({
        description: 'How often a shard is read. Kinesis allows five reads a second, of all groups together.',
      }),
  })
  .refine(({ maxMessageBytes, maxRequestBytes }) => maxRequestBytes >= maxMessageBytes, {
    path: ['maxRequestBytes'],
    error: 'expected at least max_message_bytes',
  })

export type Config = z.output<typeof config>

/** The stream of a topic. */
export function streamOf({ prefix = '' }: Pick<Config, 'prefix'>, topic: string): string {
  const stream = prefix + topic
  if (/^[\w.-]{1,128}$/.test(stream)) return stream
  throw new HeadwaterError(
    'CONFIG_INVALID',
    `expected the name of a stream of up to 128 letters, digits and _ . -, found ${JSON.stringify(stream)}: see queue.prefix and the name of the topic`,
  )
}
