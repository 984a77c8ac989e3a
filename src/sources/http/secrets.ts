import { HIDDEN, isSecretParameter, redactText } from '../../lib/redact.ts'
import { PRODUCT, type RequestConfig } from './request.ts'

/** What the config holds that nobody else may see. */
export interface Secrets {
  /** Whether this is a value of the config that is long enough to be a secret, or named like one. */
  has(value: string): boolean
  /** Whether a value that is named like a secret stands anywhere in this text, as it is or encoded. */
  areIn(text: string): boolean
  /** The text of somebody else with every value hidden that `has` knows. */
  readonly scrub: (text: string) => string
}

/** Shorter values tell nothing, and stand everywhere. */
const MIN_LENGTH = 8
const MIN_NAMED_LENGTH = 4

type Given = readonly [name: string, value: string]

/**
 * Every value of headers, parameters and body is taken for a secret, and so is every text inside those that are JSON;
 * the product that may stand in them is left out.
 */
export function createSecrets({ url, params, headers, body = '' }: Omit<RequestConfig, 'method'>): Secrets {
  const given: Given[] = [
    ...new URL(url).searchParams,
    ...Object.entries(params),
    ...Object.entries(headers),
    ...new URLSearchParams(body),
    ['', body],
  ]
  const parts = given
    .flatMap(([name, value]): Given[] => [[name, value], ...textsIn(value)])
    .flatMap(([name, value]) => value.split(PRODUCT).map((part): Given => [name, part]))
  const named = formsOf(parts.filter(([name]) => isSecretParameter(name)))
  const others = formsOf(parts.filter(([name]) => !isSecretParameter(name)))
  const hidden = new Set([
    ...named.filter(({ length }) => length >= MIN_NAMED_LENGTH),
    ...others.filter(({ length }) => length >= MIN_LENGTH),
  ])
  const telling = named.filter(({ length }) => length >= MIN_LENGTH)
  const longestFirst = [...hidden].toSorted((a, b) => b.length - a.length)

  return {
    has: (value) => hidden.has(value),
    areIn: (text) => telling.some((value) => text.includes(value)),
    scrub: (text) => redactText(longestFirst.reduce((rest, value) => rest.replaceAll(value, HIDDEN), text)),
  }
}

/** Each value as it may be met: also without `Bearer`, in a URL, in JSON. */
function formsOf(values: readonly Given[]): string[] {
  return values
    .flatMap(([, value]) => [value, value.replace(/^\w+ +/, '')])
    .flatMap((value) => [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)])
}

/** The texts in a value that is JSON, with the names they stand under. */
function textsIn(value: string): Given[] {
  const found: Given[] = []
  try {
    JSON.parse(value, (name, inner: unknown) => {
      if (typeof inner === 'string') found.push([name, inner])
      return inner
    })
  } catch {
    return []
  }
  return found
}
