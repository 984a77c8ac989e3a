import { HeadwaterError, TransientError } from '../../errors.ts'

/** Codes of the native protocol. */
const BAD_CREDENTIALS = 0x0100
const UNAUTHORIZED = 0x2100
const INVALID = 0x2200
const WRITE_TIMEOUT = 0x1100
const CAS_UNKNOWN = 0x1700
/** Unavailable, overloaded, bootstrapping, truncating, time-outs and failures of replicas, an unknown end of a transaction. */
const PASSING = new Set([0x1000, 0x1001, 0x1002, 0x1003, 0x1100, 0x1200, 0x1300, 0x1500, 0x1700])

/** What Node and OpenSSL call their objections to a certificate, or to what answers at a port. */
const TLS_CODE =
  /^(?:EPROTO$|ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO_|HOSTNAME_|INVALID_)/

/** A node that could not read who somebody is, or what he may do, says so with the code of a refusal. */
const ROLES_UNREAD = /^Unable to perform auth(?:entication|orization)/

/** What the client calls its errors; they are told by name, so that this file loads no client. */
const PASSING_NAME = /^(?:OperationTimedOutError|BusyConnectionError)$/

/**
 * What the cluster, the client or a socket complains of, as the contract has it. `place` names the contact points and the
 * keyspace. What nobody has classified is returned as it is.
 */
export function translate(error: unknown, place: string): unknown {
  if (error instanceof HeadwaterError || !(error instanceof Error)) return error
  if (error.name === 'NoHostAvailableError') return ofNoHost(error, place)
  const options = { cause: error }
  const code = 'code' in error ? error.code : undefined
  if (ROLES_UNREAD.test(error.message)) return unavailable(error, place)
  if (error.name === 'AuthenticationError' || code === BAD_CREDENTIALS)
    return new HeadwaterError(
      'STORE_REFUSED_ACCESS',
      `store.username, store.password: ${place}: ${error.message}`,
      options,
    )
  if (error.name === 'ArgumentError' && error.message.startsWith('localDataCenter'))
    return new HeadwaterError(
      'STORE_REFUSED_ACCESS',
      `store.local_data_center: ${place}: ${error.message}`,
      options,
    )
  if (code === UNAUTHORIZED)
    return new HeadwaterError(
      'STORE_REFUSED_ACCESS',
      `store.username: ${place}: this user may not do what is needed: ${error.message}`,
      options,
    )
  if (code === INVALID && /undefined column|(?:table|keyspace) .* does not exist/i.test(error.message))
    return new HeadwaterError(
      'TABLES_MISSING',
      `store.keyspace: ${place}: ${error.message}: run \`headwater provision\``,
      options,
    )
  if (typeof code === 'string' && TLS_CODE.test(code))
    return new HeadwaterError('STORE_REFUSED_ACCESS', `store.tls: ${place}: ${error.message.trim()}`, options)
  if (isPassing(error, code)) return unavailable(error, place)
  return error
}

/** Whether a lightweight transaction ended in that nobody knows whether it was applied, since others contended for the row. */
export function isUncertain(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  const isCas = 'writeType' in error && error.writeType === 'CAS'
  return error.code === CAS_UNKNOWN || (error.code === WRITE_TIMEOUT && isCas)
}

/** No node took the request: one that says why it never will, or else only trouble. */
function ofNoHost(error: Error, place: string): unknown {
  const inner = innerErrorsOf(error)
  const lasting = inner.map((one) => translate(one, place)).find((one) => !(one instanceof TransientError))
  if (lasting instanceof HeadwaterError) return lasting
  return unavailable(inner.find(({ message }) => message !== '') ?? error, place)
}

function innerErrorsOf(error: Error): readonly Error[] {
  const inner = 'innerErrors' in error ? Object.values((error.innerErrors ?? {}) as object) : []
  return inner.filter((one): one is Error => one instanceof Error)
}

function isPassing(error: Error, code: unknown): boolean {
  if (typeof code === 'number') return PASSING.has(code)
  // A system call that failed, of a socket or a resolver; or a socket that the client found closed.
  return PASSING_NAME.test(error.name) || 'syscall' in error || 'isSocketError' in error || isLost(error)
}

const isLost = ({ name, message }: Error): boolean =>
  name === 'DriverError' && /socket was closed|connection timeout/i.test(message)

function unavailable(error: Error, place: string): TransientError {
  return new TransientError('STORE_UNAVAILABLE', `store.contact_points: ${place}: ${error.message}`, {
    cause: error,
  })
}
