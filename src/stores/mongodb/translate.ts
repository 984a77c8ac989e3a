import { HeadwaterError, TransientError } from '../../errors.ts'

/** What error codes of the server mean: https://www.mongodb.com/docs/manual/reference/error-codes/. */
const REFUSED_ACCESS: ReadonlySet<unknown> = new Set([
  11, // UserNotFound
  13, // Unauthorized
  18, // AuthenticationFailed
  334, // MechanismUnavailable
  8000, // AtlasError: bad auth, not allowed
])

const WILL_PASS: ReadonlySet<unknown> = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  24, // LockTimeout
  43, // CursorNotFound
  46, // LockBusy
  50, // MaxTimeMSExpired
  63, // StaleShardVersion
  64, // WriteConcernTimeout
  89, // NetworkTimeout
  91, // ShutdownInProgress
  100, // UnsatisfiableWriteConcern
  112, // WriteConflict
  133, // FailedToSatisfyReadPreference
  134, // ReadConcernMajorityNotAvailableYet
  150, // StaleEpoch
  189, // PrimarySteppedDown
  262, // ExceededTimeLimit
  264, // TooManyFilesOpen
  279, // ClientDisconnect
  9001, // SocketException
  10058, // LegacyNotPrimary
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11601, // Interrupted
  11602, // InterruptedDueToReplStateChange
  13388, // StaleConfig
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
  14031, // OutOfDiskSpace
])

/** What the client calls trouble on the way, and an answer that it can't read, behind which it connects anew. */
const ON_THE_WAY: ReadonlySet<string> = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoServerSelectionError',
  'MongoPoolClearedError',
  'MongoPoolClearedOnNetworkError',
  'MongoPoolClosedError',
  'MongoWaitQueueTimeoutError',
  'MongoOperationTimeoutError',
  'MongoStalePrimaryError',
  'MongoServerClosedError',
  'MongoTopologyClosedError',
  'MongoUnexpectedServerResponseError',
  'MongoWriteConcernError',
  'MongoParseError',
])

const LABELS = ['RetryableWriteError', 'RetryableError', 'SystemOverloadedError', 'TransientTransactionError']

/**
 * What the database or its client complains of, as the contract has it; `address` has no secrets. What is neither trouble that
 * will pass nor a refusal is returned as it is: a bug.
 */
export function translate(error: unknown, address: string): unknown {
  if (error instanceof HeadwaterError || !(error instanceof Error)) return error
  // A bulk write hides what became of it in here.
  if ('errorResponse' in error && error.errorResponse instanceof Error)
    return translate(error.errorResponse, address)
  const options = { cause: error }
  const { name, message } = error
  const codes = codesIn(error)
  if (codes.some((code) => REFUSED_ACCESS.has(code)) || name === 'MongoMissingCredentialsError')
    return new HeadwaterError('STORE_REFUSED_ACCESS', `store.url: ${address}: ${message}`, options)
  const willPass = codes.some((code) => WILL_PASS.has(code)) || ON_THE_WAY.has(name) || isUnconfirmed(error)
  if (willPass || isLabelled(error) || isOfNode(error))
    return new TransientError('STORE_UNAVAILABLE', `store.url: ${address}: ${message}`, options)
  return error
}

/** That of the answer and those of the documents in it. */
function codesIn(error: Error): readonly unknown[] {
  return [error, ...writeErrorsIn(error)].map((one) => ('code' in one ? one.code : undefined))
}

function writeErrorsIn(error: Error): readonly object[] {
  return 'writeErrors' in error ? ([error.writeErrors].flat() as object[]) : []
}

/** A bulk write that complains of no document does so of the write concern: it may be undone. */
const isUnconfirmed = (error: Error): boolean =>
  error.name === 'MongoBulkWriteError' && writeErrorsIn(error).length === 0

function isLabelled(error: Error): boolean {
  const labels: unknown = 'errorLabels' in error ? error.errorLabels : []
  return Array.isArray(labels) && LABELS.some((label) => labels.includes(label))
}

/** The client lets through what Node says of a socket that is reset, and of a name that is not known. */
function isOfNode(error: Error): boolean {
  return 'syscall' in error || ('code' in error && /^ERR_(?:STREAM|SOCKET)_/.test(String(error.code)))
}

const TLS_CODE =
  /^(?:ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/

/** Where a connection could not be opened because of a certificate, or because nobody speaks TLS there: that says so. */
export function tlsObjection(error: unknown, address: string): HeadwaterError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!('code' in cause) || !TLS_CODE.test(String(cause.code))) continue
    return new HeadwaterError('STORE_REFUSED_ACCESS', `store.tls: ${address}: ${cause.message.trim()}`, {
      cause: error,
    })
  }
  return undefined
}
