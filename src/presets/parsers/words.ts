import type { Parser } from './parser.ts'

/** An id that may be a number: its digits as they were written, however many. */
export const id: Parser = (value, token) => (typeof value === 'number' ? token() : value)

/** A truth value that came as a word: true, y, yes, false, n or no, in any case. */
export const boolean: Parser = (value) => {
  if (typeof value !== 'string') return value
  const word = value.trim().toLowerCase()
  if (word === 'true' || word === 'y' || word === 'yes') return true
  if (word === 'false' || word === 'n' || word === 'no') return false
  return value
}

/** "Verified Purchase" is true. Other badges, and none, say nothing about the purchase. */
export const verifiedBadge: Parser = (value) =>
  typeof value === 'string' && value.trim() === 'Verified Purchase' ? true : undefined

/** "verified_buyer", "buyer" and the like are true. Other words, and none, say nothing about the purchase. */
export const verifiedBuyer: Parser = (value) =>
  typeof value === 'string' && /^(?:verified[-_ ])?(?:buyer|purchase)$/i.test(value.trim()) ? true : undefined

/** The account in the path or address of a profile: `X` of /gp/profile/amzn1.account.X/ref=… Without one, no id. */
export const account: Parser = (value) =>
  typeof value === 'string' ? /amzn1\.account\.([A-Z0-9]+)/.exec(value)?.[1] : value

/** Amazon's domain out of its end, such as `co.uk`, or out of the name of a host, such as `www.amazon.co.uk`. */
export const amazonDomain: Parser = (value) =>
  typeof value === 'string' ? `amazon.${value.replace(/^(?:www\.)?amazon\./, '')}` : value

/** What was bought, as one line: of {"Size:": " L", "Color:": " Blue"}, or of ["Size: L", "Color: Blue"]. */
export const variant: Parser = (value) => {
  if (value === null || typeof value !== 'object') return value
  const parts: readonly unknown[] = Array.isArray(value) ? value : Object.entries(value).map(partOf)
  if (!parts.every((part) => typeof part === 'string')) return value
  return parts.length > 0 ? parts.join(', ') : undefined
}

const partOf = ([name, chosen]: [string, unknown]): unknown =>
  typeof chosen === 'string' ? `${name.replace(/:$/, '')}: ${chosen.trim()}` : chosen
