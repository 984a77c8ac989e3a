import { HeadwaterError, TransientError } from '../../errors.ts'

/** Reply codes of AMQP 0-9-1. */
const ACCESS_REFUSED = 403
const NOT_FOUND = 404
const PRECONDITION_FAILED = 406
const NOT_ALLOWED = 530

/** The client keeps the broker's words to itself where it closes the connection instead of opening the virtual host. */
const VHOST_CLOSED = /^Expected ConnectionOpenOk; got <ConnectionClose/

/** What Node and OpenSSL call their objections to a certificate, or to what answers at a port. */
const TLS_CODE =
  /^(?:EPROTO$|ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO_|HOSTNAME_|INVALID_)/

/**
 * What the broker, its client or the socket complains of, as the contract has it; `address` is a host and a port. What is
 * neither is returned as it is: a bug.
 */
export function translate(error: unknown, address: string): unknown {
  if (error instanceof HeadwaterError || !(error instanceof Error) || isBug(error)) return error
  const options = { cause: error }
  const code = replyCodeOf(error)
  const said = textOf(error)
  if (code === ACCESS_REFUSED) {
    const what = said.includes('Login was refused')
      ? 'user or password are wrong'
      : 'the user may not do what is needed'
    return new HeadwaterError('QUEUE_REFUSED', `queue.url: ${address}: ${what}: ${said}`, options)
  }
  if (code === NOT_ALLOWED || VHOST_CLOSED.test(said))
    return new HeadwaterError(
      'QUEUE_REFUSED',
      `queue.url: ${address}: there is no such virtual host, or it is not for this user: ${said}`,
      options,
    )
  if (code === NOT_FOUND)
    return new TransientError('TOPIC_MISSING', `${address}: ${said}: run \`headwater provision\``, options)
  if (code === PRECONDITION_FAILED && said.includes('inequivalent'))
    return new HeadwaterError(
      'TOPIC_MISSING',
      `${address}: something with this name has other properties: ${said}: remove it, or choose another queue.prefix`,
      options,
    )
  if (code === PRECONDITION_FAILED && said.includes('larger than'))
    return new HeadwaterError(
      'QUEUE_REFUSED',
      `queue.max_message_bytes: ${address} takes less: ${said}`,
      options,
    )
  if (TLS_CODE.test(codeOf(error)))
    return new HeadwaterError('QUEUE_REFUSED', `queue.tls: ${address}: ${error.message.trim()}`, options)
  if (said.includes('SASL mechanism'))
    return new HeadwaterError('QUEUE_REFUSED', `queue.url: ${address}: ${said}`, options)
  return new TransientError('QUEUE_UNAVAILABLE', `queue.url: ${address}: ${said}`, options)
}

/** Whether the broker has said that what was asked for is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Error && replyCodeOf(error) === NOT_FOUND
}

/** The client's own errors are plain ones; of the others it means none. */
function isBug(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error.name === 'AssertionError'
}

const codeOf = (error: Error): string => ('code' in error ? String(error.code) : '')

/** While a connection is opened, the code stands in the text alone. */
function replyCodeOf(error: Error): number | undefined {
  const found = /\b(403|530) \(/.exec(error.message)?.[1]
  return found === undefined ? Number(codeOf(error)) || undefined : Number(found)
}

/** The broker's own words, where there are any. Node has none where it tried several addresses of one name. */
function textOf(error: Error): string {
  return /with message "([^"]*)"/.exec(error.message)?.[1] ?? (error.message.trim() || codeOf(error))
}
