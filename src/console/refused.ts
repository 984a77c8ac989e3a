import { type Code, HeadwaterError, TransientError } from '../errors.ts'
import { redactText } from '../lib/redact.ts'

/** Why something that was asked for is not given, for the program and for the person. */
export interface Refusal {
  readonly status: number
  readonly body: { readonly error: string; readonly code: Code }
  readonly retryAfterS?: number
}

const STATUS: Partial<Record<Code, number>> = {
  REQUEST_INVALID: 400,
  USAGE: 400,
  POSITION_UNKNOWN: 400,
  TOKEN_NEEDED: 401,
  NOT_ALLOWED: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  JOB_ENDED: 409,
  JOB_RUNNING: 409,
  TOPIC_MISSING: 409,
  TOO_MANY_TRIES: 429,
}

/** What is transient may be asked again; what is not on the list is our own trouble. */
export function refusalOf(error: HeadwaterError): Refusal {
  const { code, message } = error
  const isTransient = error instanceof TransientError
  const status = STATUS[code] ?? (isTransient ? 503 : 500)
  const body = { error: redactText(message), code }
  if (!isTransient) return { status, body }
  return { status, body, retryAfterS: Math.ceil((error.retryAfterMs ?? 1_000) / 1_000) }
}

/** What the framework found wrong with a request before anybody looked at it; undefined where it is no fault of it. */
export function faultOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  const { statusCode } = error
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return undefined
  return { status: statusCode, body: { error: redactText(error.message), code: 'REQUEST_INVALID' } }
}
