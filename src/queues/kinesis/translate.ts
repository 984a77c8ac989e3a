import { HeadwaterError, TransientError } from '../../errors.ts'

/** Whom was asked, for messages. */
export interface Place {
  readonly stream: string
  /** The address, and the setting it comes from. */
  readonly address: string
  readonly setting: 'queue.region' | 'queue.endpoint'
}

const UNWELL =
  /^(ProvisionedThroughputExceeded|LimitExceeded|ResourceInUse|InternalFailure|InternalServerError|InternalServerException|ServiceUnavailable|Throttling|ThrottlingException|ThrottledException|RequestThrottled|TooManyRequests|RequestLimitExceeded|RequestTimeout|KMSThrottling|KMSInvalidState|ExpiredIterator|ExpiredNextToken)/
/** Their messages may hold what was signed. */
const CREDENTIALS =
  /^(UnrecognizedClient|InvalidSignature|SignatureDoesNotMatch|ExpiredToken|InvalidClientTokenId|IncompleteSignature|MissingAuthentication|InvalidAccessKeyId|NotAuthorized|RequestExpired|RequestTimeTooSkewed)/
const FORBIDDEN = /^(AccessDenied|KMSAccessDenied|KMSDisabled|KMSNotFound|KMSOptInRequired|OptInRequired)/
const NETWORK =
  /^(E[A-Z]+|HPE_\w+|CERT_\w+|ERR_TLS\w*|ERR_SSL\w*|UNABLE_TO_\w+|DEPTH_ZERO_\w+|SELF_SIGNED_\w+|ERR_HTTP\w*|ERR_STREAM\w*)$/

/** What an error of the client means: try again, refused, or no stream. What nobody has classified stays as it is. */
export function translate(error: unknown, place: Place): unknown {
  if (!(error instanceof Error) || error instanceof HeadwaterError) return error
  const { name, message } = error
  const at = `Kinesis at ${place.address} (${place.setting})`
  const again = (text: string) => new TransientError('QUEUE_UNAVAILABLE', text, { cause: error })
  const never = (text: string) => new HeadwaterError('QUEUE_REFUSED', text, { cause: error })

  if (name === 'ResourceNotFoundException') {
    const text = `${at} has no stream ${place.stream}: \`headwater provision\` makes it (${message})`
    return new HeadwaterError('TOPIC_MISSING', text, { cause: error })
  }
  if (CREDENTIALS.test(name)) {
    return never(
      `${at} does not accept the AWS credentials (${name}): see AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role`,
    )
  }
  if (FORBIDDEN.test(name)) return never(`${at} does not allow it: ${name}: ${message}`)
  if (UNWELL.test(name) || isServerFault(error)) return again(`${at} is unwell: ${name}: ${message}`)
  // A role that is renewed by the machine may be absent for a moment. At the opening they are asked for before.
  if (name === 'CredentialsProviderError') return again(`no AWS credentials for ${at}: ${message}`)
  if ('$fault' in error && statusOf(error) !== undefined) return never(`${at} refuses: ${name}: ${message}`)
  if (isNetwork(error)) return again(`can not reach ${at}: ${reasonOf(error)}`)
  return error
}

/** Whether the service does not take who asks, or does not let him; what is wrong with a request itself is none. */
export function isRefusal(error: unknown): error is HeadwaterError {
  if (!(error instanceof HeadwaterError) || !(error.cause instanceof Error)) return false
  const { name } = error.cause
  return CREDENTIALS.test(name) || FORBIDDEN.test(name)
}

/** Whether a translated error is that of the service. */
export function isNamed(error: unknown, name: string): boolean {
  return error instanceof HeadwaterError && error.cause instanceof Error && error.cause.name === name
}

function statusOf(error: Error): number | undefined {
  const { httpStatusCode } = ('$metadata' in error ? error.$metadata : {}) as { httpStatusCode?: number }
  return httpStatusCode
}

function isServerFault(error: Error): boolean {
  const status = statusOf(error)
  return ('$fault' in error && error.$fault === 'server') || (status !== undefined && status >= 500)
}

/** Of the wire; or an answer that is none of the service, which a gateway or a cut connection gives. */
function isNetwork(error: Error): boolean {
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return true
  if ('$response' in error || error instanceof SyntaxError) return true
  if (error.message === 'aborted' || error.message === 'socket hang up') return true
  if (error instanceof AggregateError)
    return error.errors.some((each) => each instanceof Error && isNetwork(each))
  return 'code' in error && typeof error.code === 'string' && NETWORK.test(error.code)
}

function reasonOf(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const { message } = first instanceof Error ? first : error
  return message === '' ? error.name : message
}
