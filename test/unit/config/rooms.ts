import { z, type ZodType } from 'zod'
import { bytes, duration, secret } from '../../../src/lib/fields.ts'
import type { Rooms } from '../../../src/config/schema.ts'

const adapter = (config: ZodType) => async () => ({ default: { config } })

const verify = z.union([
  z.literal('none'),
  z.discriminatedUnion('scheme', [
    z.strictObject({
      scheme: z.literal('signed'),
      secrets: z.array(secret()),
      toleranceMs: duration().prefault('5m'),
    }),
    z.strictObject({
      scheme: z.literal('shared'),
      secrets: z.array(secret()),
      headerName: z.string().default('x-key'),
    }),
  ]),
])

/** Adapters' schemas with everything that a schema may have. The last queue must never be loaded. */
export const rooms: Rooms = {
  sources: {
    hook: adapter(z.strictObject({ path: z.string().startsWith('/').optional(), verify: verify.optional() })),
    poll: adapter(
      z.strictObject({
        every: duration().meta({ description: 'How often.' }),
        timeoutMs: duration().prefault('5s'),
        maxBytes: bytes().prefault('10MiB'),
        share: z.number().min(0).max(1).default(0.5),
        pageSize: z.int().min(1).default(10),
        url: z.string().default('http://provider.test/'),
        params: z.record(z.string(), z.string()).default({}),
      }),
    ),
  },
  queues: {
    disk: adapter(z.strictObject({ dir: z.string().optional() })),
    heavy: () => Promise.reject(new Error('loaded a queue that nobody chose')),
  },
  stores: {
    disk: adapter(z.strictObject({ dir: z.string().optional() })),
    other: adapter(z.strictObject({})),
  },
}

/** What a config needs besides its sources. */
export const backends = 'queue: { type: disk }\nstore: { type: disk }\n'
