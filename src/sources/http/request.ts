import { z } from 'zod'
import { bytes, duration } from '../../lib/fields.ts'

/** Stands for each product in turn. */
export const PRODUCT = '{product}'

const LONGEST_REQUEST_MS = 3_600_000
const LONGEST_RATE_MS = 24 * 3_600_000

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/
const OF_THE_CONNECTION = /^(connection|content-length|expect|keep-alive|transfer-encoding|upgrade)$/i

const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'expected the value of a header')

const headers = z.record(z.string(), headerValue).superRefine((given, context) => {
  for (const name of Object.keys(given)) {
    if (!HEADER_NAME.test(name)) {
      context.addIssue({ code: 'custom', path: [name], message: 'expected the name of a header' })
    } else if (OF_THE_CONNECTION.test(name)) {
      context.addIssue({
        code: 'custom',
        path: [name],
        message: 'must not be set: it belongs to the connection',
      })
    }
  }
})

/** What a provider is asked, as the config says it. */
export const requestFields = {
  url: z
    .string()
    .refine(isAddress, 'expected a URL such as https://api.example.com/reviews, without a user in it')
    .meta({ description: `Where the reviews are; \`${PRODUCT}\` in it stands for each product in turn.` }),
  method: z.enum(['GET', 'POST']).default('GET').meta({ description: 'How it is asked.' }),
  headers: headers.default({}).meta({
    secret: true,
    description: 'Sent with every request, to the host of `url` only.',
  }),
  params: z
    .record(z.string(), z.string())
    .default({})
    .meta({
      secret: true,
      description: `Query parameters; \`${PRODUCT}\` in a value stands for each product in turn.`,
    }),
  body: z
    .string()
    .optional()
    .meta({
      secret: true,
      description: `What is posted, as JSON unless a \`content-type\` is given; \`${PRODUCT}\` is written as inside a JSON string.`,
    }),
}

const timeout = () => duration().refine((ms) => ms > 0 && ms <= LONGEST_REQUEST_MS, 'expected up to 1h')

/** What one request may take. */
export const limitFields = {
  connectTimeoutMs: timeout()
    .prefault('10s')
    .meta({ description: 'How long it may take to connect, with TLS.' }),
  timeoutMs: timeout()
    .prefault('30s')
    .meta({ description: 'How long the provider may take to begin its answer, once it is connected.' }),
  bodyTimeoutMs: timeout()
    .prefault('30s')
    .meta({ description: 'How long the body of an answer may take, from its first byte to its last.' }),
  maxBodyBytes: bytes()
    .prefault('16MiB')
    .meta({ description: 'The largest body that is taken, as it is sent and once inflated.' }),
}

/** How often a host may be asked, by all sources that ask it. */
export const hostFields = {
  rate: z
    .strictObject({
      requests: z.int().min(1).meta({ description: 'How many requests, spread evenly.' }),
      perMs: duration()
        .refine((ms) => ms > 0 && ms <= LONGEST_RATE_MS, 'expected up to 1d')
        .meta({ description: 'In how long: up to a day.' }),
    })
    .optional()
    .meta({
      description:
        'How often the host of `url` is asked at most, redirects included. All sources of a process that ask this host share it; where they differ, the lowest holds.',
    }),
  maxPerHost: z.int().min(1).optional().meta({
    description:
      'How many requests to the host of `url` are under way at once at most, shared in the same way. Without it, each source has its own `concurrency`.',
  }),
}

const request = z.strictObject(requestFields)
const limits = z.strictObject(limitFields)

export type RequestConfig = z.output<typeof request>
export type LimitsConfig = z.output<typeof limits>

function isAddress(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}
