import type { IncomingHttpHeaders } from 'node:http'
import { parseHttpDate } from './retry-after.ts'

/** What tells one state of a page from another, as the provider gave it. May be saved as JSON. */
export interface Validators {
  readonly etag?: string
  readonly lastModified?: string
}

/** Of those that are longer a checkpoint would grow without end. */
const MAX_LENGTH = 1_024
const ETAG = /^(W\/)?"[\x21\x23-\x7e]*"$/

/** Those of an answer; undefined where it has none that HTTP knows. */
export function validatorsOf({
  etag = '',
  'last-modified': lastModified = '',
}: IncomingHttpHeaders): Validators | undefined {
  const found = {
    ...(etag.length <= MAX_LENGTH && ETAG.test(etag) && { etag }),
    ...(parseHttpDate(lastModified, Date.now()) !== undefined && { lastModified }),
  }
  return Object.keys(found).length === 0 ? undefined : found
}

/** The headers that ask for a page only if it is another than that of these validators. */
export function conditionsOf({ etag, lastModified }: Validators = {}): Record<string, string> {
  return {
    ...(etag !== undefined && { 'if-none-match': etag }),
    ...(lastModified !== undefined && { 'if-modified-since': lastModified }),
  }
}
