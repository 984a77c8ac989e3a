import { z } from 'zod'
import { bytes, duration } from '../../lib/fields.ts'

/** The service takes 10,000,000 bytes in one request; key, headers and framing need a part of them. */
const MOST_MESSAGE_BYTES = 9_500_000
const DAY_MS = 86_400_000

export const config = z.strictObject({
  project: z.string().min(1).meta({ description: 'The id of the Google Cloud project.' }),
  prefix: z
    .string()
    .regex(/^(?!goog)[A-Za-z][A-Za-z0-9._+-]{0,63}$/, {
      error: 'expected up to 64 of A-Z a-z 0-9 . _ + - that begin with a letter, and not with goog',
    })
    .default('headwater-')
    .meta({ description: 'What the ids of topics and subscriptions begin with.' }),
  endpoint: z
    .string()
    .regex(/^(?:https?:\/\/)?[A-Za-z0-9.-]+(?::\d{1,5})?$/, {
      error: 'expected a host such as europe-west1-pubsub.googleapis.com, or http://127.0.0.1:8085',
    })
    .optional()
    .meta({
      description:
        'The host of a regional endpoint, or an emulator as `http://HOST:PORT`, to which neither credentials nor ' +
        'encryption go; the global endpoint unless told, or what `PUBSUB_EMULATOR_HOST` names.',
    }),
  keyFile: z.string().min(1).optional().meta({
    description: 'A file with the key of a service account; Google’s default credentials unless told.',
  }),
  maxMessageBytes: bytes()
    .prefault('9MB')
    .refine((value) => value > 0 && value <= MOST_MESSAGE_BYTES, 'expected a size of at most 9.5MB')
    .meta({ description: 'The largest message that is taken; the service takes 9.5 MB and no more.' }),
  publishTimeoutMs: duration()
    .prefault('30s')
    .meta({ description: 'How long one request to publish may take; then it is tried again.' }),
  ackDeadlineMs: duration()
    .prefault('30s')
    .refine((value) => value >= 10_000 && value <= 600_000, 'expected a duration from 10s to 600s')
    .meta({
      description:
        'How long messages are kept for a reader that shows no sign of life; others get them then.',
    }),
  maxExtensionMs: duration().prefault('1h').meta({
    description: 'How long a reader may keep one message; then it is let go, and comes again.',
  }),
  retentionMs: duration()
    .prefault('7d')
    .refine((value) => value >= 600_000 && value <= 7 * DAY_MS, 'expected a duration from 10m to 7d')
    .meta({ description: 'How long unacknowledged messages are kept, for subscriptions that are made.' }),
  flow: z
    .strictObject({
      maxMessages: z.int().min(1).default(8_000).meta({
        description: 'How many messages are fetched ahead of their reader.',
      }),
      maxBytes: bytes().prefault('32MiB').meta({
        description: 'How many bytes are fetched ahead of their reader, if that is reached before.',
      }),
    })
    .prefault({})
    .meta({ description: 'What a reader holds that has not been handed over.' }),
})

export type Config = z.output<typeof config>
