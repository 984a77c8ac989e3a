import { HeadwaterError, TransientError } from '../../errors.ts'

/** What the brokers say that no repeating will change, and what to do about it. */
const REFUSALS: Readonly<Record<string, string>> = {
  SASL_AUTHENTICATION_FAILED: 'the login was refused: check queue.sasl, user and password or token',
  UNSUPPORTED_SASL_MECHANISM: 'this way to log in is not offered: check queue.sasl.mechanism',
  ILLEGAL_SASL_STATE:
    'the login was refused, or this listener takes none: check queue.sasl, and the port in queue.brokers',
  TOPIC_AUTHORIZATION_FAILED:
    'the user has no permission for the topic: it needs Describe, Read and Write (queue.sasl says who it is)',
  GROUP_AUTHORIZATION_FAILED:
    'the user has no permission for the consumer group: it needs Read and Describe on what begins with queue.group_prefix',
  CLUSTER_AUTHORIZATION_FAILED:
    'the user has no permission on the cluster: idempotent producers need IdempotentWrite before Kafka 3.0',
  INVALID_TOPIC_EXCEPTION: 'no topic can have this name: check queue.topics',
  INVALID_SESSION_TIMEOUT:
    'queue.session_timeout is outside the bounds of the brokers, group.min.session.timeout.ms and group.max.session.timeout.ms',
  INVALID_REPLICATION_FACTOR: 'queue.replication can not be had: there are fewer brokers',
  INVALID_PARTITIONS: 'queue.partitions can not be had',
  INVALID_CONFIG: 'a setting of the topic was refused',
  POLICY_VIOLATION: 'a policy of the brokers forbids such a topic',
  MESSAGE_TOO_LARGE: 'a message is larger than max.message.bytes of the topic: lower queue.max_message_bytes',
  RECORD_LIST_TOO_LARGE: 'a message is larger than the segments of the topic: lower queue.max_message_bytes',
  UNSUPPORTED_VERSION: 'the brokers are too old: Kafka 3.5 or later is expected',
}

const UNTRUSTED = /^(CERT_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/

/** The error that this program raises for one of the client's. What is no clear refusal may pass. */
export function translate(error: unknown, address: string): HeadwaterError {
  if (error instanceof HeadwaterError) return error
  const all = [...causesOf(error)]
  const at = `queue.brokers ${address}`
  const refuse = (what: string): HeadwaterError =>
    new HeadwaterError('QUEUE_REFUSED', `${at}: ${what} (${reasonOf(all)})`, { cause: error })

  const refusal = all.map(({ apiId }) => REFUSALS[apiId ?? '']).find((words) => words !== undefined)
  if (refusal !== undefined) return refuse(refusal)
  if (all.some(({ code }) => code !== undefined && UNTRUSTED.test(code)))
    return refuse('the encrypted connection can not be trusted: check queue.tls')
  if (all.some(({ message }) => message === 'Broker requires TLS.'))
    return refuse('this listener wants encryption: set queue.tls')
  if (all.some(({ code }) => code === 'PLT_KFK_UNSUPPORTED_API'))
    return refuse('the brokers are too old: Kafka 3.5 or later is expected')
  if (isTopicMissing(error))
    return new TransientError('TOPIC_MISSING', `${at}: the topic is not there (${reasonOf(all)})`, {
      cause: error,
    })
  return new TransientError('QUEUE_UNAVAILABLE', `${at}: ${reasonOf(all)}`, { cause: error })
}

/** Whether the brokers said that there is no such topic. */
export function isTopicMissing(error: unknown): boolean {
  return [...causesOf(error)].some(
    ({ apiId, message }) => apiId === 'UNKNOWN_TOPIC_OR_PARTITION' || message?.startsWith('Unknown topic '),
  )
}

/** Whether the brokers said this, by the name that the protocol gives it. */
export function says(error: unknown, ...apiIds: readonly string[]): boolean {
  return [...causesOf(error)].some(({ apiId }) => apiId !== undefined && apiIds.includes(apiId))
}

/** Whether it is what the brokers said, and not that they could not be asked. */
export function isAnswer(error: unknown): boolean {
  return isTopicMissing(error) || [...causesOf(error)].some(({ apiId }) => apiId !== undefined)
}

/** Whether a group has new members and old ones, so that what was asked must be asked again once all have joined. */
export function isRebalancing(error: unknown): boolean {
  return says(error, 'REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'MEMBER_ID_REQUIRED')
}

/** As much as the client's errors and Node's have in common. */
interface Cause {
  readonly apiId?: string
  readonly code?: string
  readonly message?: string
  readonly serverErrorMessage?: string | null
}

/** The error, and all that it was made of. */
function* causesOf(error: unknown): Generator<Cause> {
  if (typeof error !== 'object' || error === null) return
  yield error
  if ('errors' in error && Array.isArray(error.errors))
    for (const inner of error.errors) yield* causesOf(inner)
  if ('cause' in error) yield* causesOf(error.cause)
}

/** What was said deepest inside: the rest says only that something failed. */
function reasonOf(causes: readonly Cause[]): string {
  const deepest = causes.findLast(({ message }) => message !== undefined && message !== '')
  const { apiId, code, message = 'it failed', serverErrorMessage } = deepest ?? {}
  const said = serverErrorMessage ?? message
  const name = apiId ?? code ?? ''
  return name === '' || name.startsWith('PLT_KFK') || said.includes(name) ? said : `${name}: ${said}`
}
