import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { Refused } from '../refused.ts'

/** The name of a header, as a config may give it; read in lower case, as Node has the headers of a request. */
export const headerName = z
  .string()
  .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of a header')
  .toLowerCase()

/** A key for the header that a sender may put its delivery id into. */
export const deliveryHeader = headerName
  .optional()
  .meta({ description: 'The header that holds the id of a delivery, the same when it is sent again.' })

/** What one header may be called, in lower case. */
export type Names = readonly [string, ...string[]]

/** Ids travel with every item of a delivery, so they are kept short. */
const MAX_ID_LENGTH = 256

/** The one value of this header; a 401 where there is none, or several. */
export function required(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name]
  if (typeof value !== 'string' || value === '') throw new Refused(401, `expected one ${name} header`)
  return value
}

/** The first of these names of which there is a header; the first of all where there is none. */
export function presentOf(headers: IncomingHttpHeaders, names: Names): string {
  return names.find((name) => headers[name] !== undefined) ?? names[0]
}

export function deliveryId(headers: IncomingHttpHeaders, name: string): string {
  const id = required(headers, name)
  if (id.length > MAX_ID_LENGTH)
    throw new Refused(401, `expected a ${name} of at most ${MAX_ID_LENGTH} characters`)
  return id
}

/** The delivery id of a scheme that can do without one. */
export function optionalDelivery(
  headers: IncomingHttpHeaders,
  name: string | undefined,
): { readonly delivery?: string } {
  return name === undefined || headers[name] === undefined ? {} : { delivery: deliveryId(headers, name) }
}
