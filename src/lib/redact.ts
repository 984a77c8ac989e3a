const SECRET_NAME =
  /authorization|cookie|secret|password|passwd|token|credential|signature|api[-_]?key|access[-_]?key/i
const SECRET_PARAMETER = /^(key|sig|auth|code)$/i
// Anybody may send the text: neither this nor what reads a URL looks at a place more than a few times.
const BEHIND_SCHEME = /:\/\/[^\s"'<>`]+/g
const BEARER = /\b(Bearer|Basic) +[\w.~+/=-]+/gi
const MAX_DEPTH = 8
const MAX_ITEMS = 100

/** What stands where a secret was. */
export const HIDDEN = '***'

/** Whether a field of this name is likely to hold a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

/** Whether a query parameter of this name is likely to hold one. */
export function isSecretParameter(name: string): boolean {
  return isSecretName(name) || SECRET_PARAMETER.test(name)
}

/** The text without passwords and secret parameters of the URLs in it, and without bearer tokens. */
export function redactText(text: string): string {
  return text.replace(BEHIND_SCHEME, redactUrl).replace(BEARER, `$1 ${HIDDEN}`)
}

/** A copy fit for a log: secrets hidden by their names and inside URLs, errors as plain data, bytes as their length. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  if (depth >= MAX_DEPTH) return '…'
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => redact(item, depth + 1))
  if (value instanceof Error) return redactError(value, depth)
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, redactField(name, item, depth)]),
  )
}

function redactField(name: string, value: unknown, depth: number): unknown {
  const secret = isSecretName(name) && value !== undefined && value !== null && typeof value !== 'boolean'
  return secret ? HIDDEN : redact(value, depth + 1)
}

function redactError(error: Error, depth: number): unknown {
  const { name, message, stack, cause } = error
  const own = Object.fromEntries(Object.entries(error))
  return redact({ ...own, name, message, stack, ...(cause === undefined ? {} : { cause }) }, depth)
}

/** Of a URL without its scheme. */
function redactUrl(url: string): string {
  return url
    .replace(/^(:\/\/[^/:@]*):[^/@]*@/, `$1:${HIDDEN}@`)
    .replace(/([?&])([^?=&#]+)=[^&#]*/g, (whole, mark: string, name: string) =>
      isSecretParameter(name) ? `${mark}${name}=${HIDDEN}` : whole,
    )
}
