import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { deliveryHeader, deliveryId, headerName, required } from './headers.ts'
import type { Scheme } from './scheme.ts'
import { secret, secretsOf } from './secrets.ts'
import { type Around, signedHeader } from './signed-header.ts'
import { checkTimestamp, tolerance } from './timestamp.ts'

const BODY = '{body}'

/** Only ASCII, so that a template and what headers hold are bytes without a doubt. */
const template = z
  .string()
  .regex(
    /^(?:[ -z|~]|\{(?:id|timestamp|body)\})*$/,
    'expected ASCII characters and {id}, {timestamp} and {body}',
  )
  .refine((text) => text.split(BODY).length === 2, 'expected {body}, once')

export const hmacConfig = z
  .strictObject({
    scheme: z.literal('hmac').meta({ description: 'An HMAC in a header, as the other keys say.' }),
    secrets: secretsOf(secret),
    header: headerName.meta({
      description:
        'The header that holds the signature; with `shared-secret`, which alone has a default, the secret.',
    }),
    algorithm: z
      .enum(['sha256', 'sha512', 'sha1'])
      .default('sha256')
      .meta({ description: 'The hash of the HMAC.' }),
    encoding: z
      .enum(['hex', 'base64'])
      .default('hex')
      .meta({ description: 'How the bytes of the signature are written.' }),
    prefix: z
      .string()
      .optional()
      .meta({ description: 'What stands before the signature in its header, such as `sha256=`.' }),
    signed: template.default(BODY).meta({
      description:
        'What is signed, such as `{id}.{timestamp}.{body}`: `{body}`, and what `delivery_header` and `timestamp_header` hold.',
    }),
    deliveryHeader,
    timestampHeader: headerName.optional().meta({
      description:
        'The header that holds when a delivery was sent, in seconds since 1970; part of what is signed.',
    }),
    toleranceMs: tolerance,
  })
  .refine(({ signed, deliveryHeader: name }) => name !== undefined || !signed.includes('{id}'), {
    path: ['deliveryHeader'],
    message: 'expected the name of the header that holds {id}',
  })
  .refine(({ signed, timestampHeader: name }) => name !== undefined || !signed.includes('{timestamp}'), {
    path: ['timestampHeader'],
    message: 'expected the name of the header that holds {timestamp}',
  })
  .refine(({ signed, timestampHeader: name }) => name === undefined || signed.includes('{timestamp}'), {
    path: ['timestampHeader'],
    message: 'expected {timestamp} in `signed`: a time that is not signed proves nothing',
  })

/** Whatever a sender signs, so far as it is made of the body, an id and a time. */
export function hmac(config: z.infer<typeof hmacConfig>): Scheme {
  const { scheme, secrets, algorithm, encoding, prefix, signed, toleranceMs } = config
  const { deliveryHeader: idName, timestampHeader: timestampName } = config
  const [before = '', after = ''] = signed.split(BODY)

  function around(headers: IncomingHttpHeaders, nowMs: number): Around {
    const id = idName !== undefined && signed.includes('{id}') ? deliveryId(headers, idName) : ''
    const timestamp = timestampName === undefined ? '' : required(headers, timestampName)
    if (timestampName !== undefined) checkTimestamp(timestamp, nowMs, toleranceMs)
    const filled = (text: string): Buffer =>
      // Headers are read as latin1.
      Buffer.from(
        text.replace(/\{(id|timestamp)\}/g, (_, name) => (name === 'id' ? id : timestamp)),
        'latin1',
      )
    return { before: filled(before), after: filled(after) }
  }

  return signedHeader({
    scheme,
    secrets,
    signatureHeaders: [config.header],
    algorithm,
    encoding,
    prefix,
    ...(idName !== undefined && { deliveryHeaders: [idName] }),
    around,
  })
}
