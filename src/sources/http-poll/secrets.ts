import { HIDDEN, isSecretName, redactText } from '../../lib/redact.ts'
import { type Config, PRODUCT } from './config.ts'

/** What the config holds that nobody else may see. */
export interface Secrets {
  /** Whether this is exactly the value of a header or parameter. */
  has(value: string): boolean
  /** The text of somebody else, with every value hidden that is long enough to be a secret, or named like one. */
  scrub(text: string): string
}

const SECRET_PARAMETER = /^(key|sig|auth|code)$/i
const MIN_LENGTH = 8

/** Every header and query parameter of the config is taken for a secret, unless it holds the product. */
export function createSecrets({ url, params, headers }: Config): Secrets {
  const given = [...new URL(url).searchParams, ...Object.entries(params), ...Object.entries(headers)]
  const secrets = given.filter(([, value]) => value !== '' && !value.includes(PRODUCT))
  const values = new Set(secrets.map(([, value]) => value))
  const hidden = secrets
    .filter(([name, value]) => isSecretParameter(name) || value.length >= MIN_LENGTH)
    .flatMap(([, value]) => [value, value.replace(/^\w+ +/, '')]) // without Bearer
    .flatMap((value) => [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)])
    .filter((value) => value !== '')
    .toSorted((a, b) => b.length - a.length)

  return {
    has: (value) => values.has(value),
    scrub: (text) => redactText(hidden.reduce((rest, value) => rest.replaceAll(value, HIDDEN), text)),
  }
}

/** Whether a query parameter of this name is likely to hold a secret. */
export function isSecretParameter(name: string): boolean {
  return isSecretName(name) || SECRET_PARAMETER.test(name)
}
