import { HeadwaterError, TransientError } from '../../errors.ts'

/** Not applied for sure: there was no room for the request at this moment. */
const THROTTLED = new Set([
  'ProvisionedThroughputExceededException',
  'ProvisionedThroughputExceeded',
  'ThrottlingException',
  'ThrottlingError',
  'RequestLimitExceeded',
  'LimitExceededException',
  'TransactionConflictException',
  'TransactionConflict',
  'TransactionInProgressException',
  'ReplicatedWriteConflictException',
])

const REFUSED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InvalidSignatureException',
  'KMSAccessDeniedException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'NotAuthorized',
  'OptInRequired',
  'TokenProviderError',
  'UnrecognizedClientException',
])

const UNWELL = new Set([
  'InternalFailure',
  'InternalServerError',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'TimeoutError',
  'UnknownError', // an answer that does not say what is wrong: DynamoDB's always do
])

const NETWORK =
  /^(E(CONN|PIPE|TIMEDOUT|NOTFOUND|AI_|HOST|NET|PROTO|ADDRNOTAVAIL)|HPE_|UND_ERR_|ERR_(SSL|TLS|STREAM|HTTP2?)_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/

const NO_CREDENTIALS = 'CredentialsProviderError'
const ADVICE = 'see store.credentials and store.profile, else what AWS finds in the environment'

interface ServiceError extends Error {
  readonly code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly CancellationReasons?: readonly { readonly Code?: string }[]
}

/** Whether the request was not applied, and may be once there is room again. */
export function isThrottled(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { name, CancellationReasons: reasons = [] } = error as ServiceError
  return THROTTLED.has(name) || reasons.some(({ Code: code = '' }) => THROTTLED.has(code))
}

/** Whether nobody knows if the request was applied: no answer came, or one that says nothing. */
export function isUnanswered(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { name, code, $metadata: { httpStatusCode: status = 0 } = {} } = error as ServiceError
  // An answer that is no JSON is somebody else's, such as a proxy's.
  return UNWELL.has(name) || status >= 500 || name === 'SyntaxError' || isNetwork(code)
}

const isNetwork = (code: unknown): boolean => typeof code === 'string' && NETWORK.test(code)

/** Whether the condition of a write didn't hold. */
export function isConditionFailed(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { name, CancellationReasons: reasons = [] } = error as ServiceError
  return (
    name === 'ConditionalCheckFailedException' ||
    (!isThrottled(error) && reasons.some(({ Code: code }) => code === 'ConditionalCheckFailed'))
  )
}

/** Whether of a transaction of two the first condition didn't hold, and nothing is known against the second. */
export function arePartsGone(error: unknown): boolean {
  const { CancellationReasons: [check, change] = [] } = error as ServiceError
  return check?.Code === 'ConditionalCheckFailed' && change?.Code !== 'ConditionalCheckFailed'
}

/**
 * An error of the client as one of ours; `place` is the setting by which the database was reached, with its value. What
 * nobody has classified stays what it is.
 */
export function translate(error: unknown, place: string): unknown {
  if (!(error instanceof Error)) return error
  const { name, message } = error
  const options = { cause: error }
  if (isThrottled(error)) {
    return new TransientError('STORE_UNAVAILABLE', `${place}: throttled: ${name}: ${message}`, options)
  }
  if (name === 'ResourceNotFoundException' || name === 'ResourceNotFound') {
    const what = `${place}: a table or index is not there: ${message}; \`headwater provision\` makes it`
    return new HeadwaterError('TABLES_MISSING', what, options)
  }
  if (message === 'Region is missing') {
    const what = 'store.region: expected a region, such as eu-central-1, here or in AWS_REGION'
    return new HeadwaterError('STORE_REFUSED_ACCESS', what, options)
  }
  if (REFUSED.has(name)) {
    const what = `${place}: access refused (${name}: ${message}); ${ADVICE}, and their permissions`
    return new HeadwaterError('STORE_REFUSED_ACCESS', what, options)
  }
  if (name === NO_CREDENTIALS)
    return new TransientError('STORE_UNAVAILABLE', `${place}: no credentials: ${message}; ${ADVICE}`, options)
  if (isUnanswered(error)) {
    return new TransientError('STORE_UNAVAILABLE', `${place}: no answer: ${reasonOf(error)}`, options)
  }
  return error
}

/**
 * A translated error as it is at the opening: whoever has no credentials then may never have any, where later they may only be
 * away for a while.
 */
export function atOpening(error: unknown): unknown {
  const isWithout =
    error instanceof TransientError && error.cause instanceof Error && error.cause.name === NO_CREDENTIALS
  return isWithout ? new HeadwaterError('STORE_REFUSED_ACCESS', error.message, { cause: error.cause }) : error
}

/** An `AggregateError` of several addresses has its words in the errors that it holds. */
function reasonOf({ name, message, ...error }: ServiceError & { errors?: readonly Error[] }): string {
  const own = message === '' ? error.errors?.map((each) => each.message).join('; ') : message
  const status = error.$metadata?.httpStatusCode
  const said = `${name === 'Error' ? '' : `${name}: `}${own ?? String(error.code)}`
  return status === undefined ? said : `${said} (HTTP ${status})`
}
