import { HeadwaterError, TransientError } from '../../errors.ts'

/** The codes of gRPC. */
const Status = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const

export type StatusName = keyof typeof Status

/** What will pass, or whose outcome is unknown. */
const TRANSIENT: ReadonlySet<number | undefined> = new Set([
  Status.CANCELLED,
  Status.UNKNOWN,
  Status.DEADLINE_EXCEEDED,
  Status.RESOURCE_EXHAUSTED,
  Status.ABORTED,
  Status.INTERNAL,
  Status.UNAVAILABLE,
  Status.DATA_LOSS,
])

/** What Google or the key itself says of credentials that will not do, in words, since there is no code for it. */
const NO_CREDENTIALS =
  /default credentials|invalid_grant|invalid_client|unauthorized_client|DECODER|PEM|key file|does not contain a client_email|private_key|not authorized to/i

export interface Place {
  /** Where the service is. */
  readonly address: string
  /** The setting that the credentials come from. */
  readonly credentials: string
}

export function isStatus(error: unknown, name: StatusName): boolean {
  return codeOf(error) === Status[name]
}

/**
 * What the client raised, in our words. What will pass, and everything that nobody has classified, is a `TransientError`;
 * what somebody has to correct is not.
 */
export function translate(error: unknown, { address, credentials }: Place): HeadwaterError {
  if (error instanceof HeadwaterError) return error
  const code = codeOf(error)
  const said = messageOf(error)
  const options = { cause: error }
  const isUnknown = code === undefined || code === Status.UNKNOWN || code === Status.UNAUTHENTICATED
  if (isUnknown && NO_CREDENTIALS.test(said))
    return new HeadwaterError(
      'QUEUE_REFUSED',
      `Pub/Sub at ${address}: ${credentials} gives no credentials that Google takes: ${said}`,
      options,
    )
  if (code === undefined || TRANSIENT.has(code))
    return new TransientError(
      'QUEUE_UNAVAILABLE',
      `Pub/Sub at ${address} does not do what is asked: ${said}`,
      options,
    )
  if (code === Status.NOT_FOUND)
    return new HeadwaterError('TOPIC_MISSING', `Pub/Sub at ${address} has no such thing: ${said}`, options)
  if (code === Status.PERMISSION_DENIED || code === Status.UNAUTHENTICATED)
    return new HeadwaterError(
      'QUEUE_REFUSED',
      `Pub/Sub at ${address} refuses who asks; check ${credentials}, queue.project and the roles of the account: ${said}`,
      options,
    )
  return new HeadwaterError('QUEUE_REFUSED', `Pub/Sub at ${address} refuses what is asked: ${said}`, options)
}

function codeOf(error: unknown): number | undefined {
  if (error instanceof HeadwaterError) return codeOf(error.cause)
  const hasCode = typeof error === 'object' && error !== null && 'code' in error
  return hasCode && typeof error.code === 'number' ? error.code : undefined
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, ' ')
