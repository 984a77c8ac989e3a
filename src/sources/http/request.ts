import { z } from 'zod'
import { bytes, duration } from '../../lib/fields.ts'

/** Stands for each product in turn. */
export const PRODUCT = '{product}'

const LONGEST_REQUEST_MS = 3_600_000

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

/** What one request may take. */
export const limitFields = {
  timeoutMs: duration()
    .refine((ms) => ms > 0 && ms <= LONGEST_REQUEST_MS, 'expected up to 1h')
    .prefault('30s')
    .meta({ description: 'How long one request may take, with its redirects and its body.' }),
  maxBodyBytes: bytes()
    .prefault('16MiB')
    .meta({ description: 'The largest body that is taken, as it is sent and once inflated.' }),
}

const request = z.strictObject(requestFields)
const limits = z.strictObject(limitFields)

export type RequestConfig = z.output<typeof request>
export type LimitsConfig = z.output<typeof limits>

function isAddress(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}
