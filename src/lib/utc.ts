const DASH = 0x2d
const COLON = 0x3a
const DOT = 0x2e

/**
 * Whether this is a date and time in UTC as most programs write it: `2023-10-26T10:00:00Z`, perhaps with digits behind the
 * seconds. It says no to some that RFC 3339 allows, such as other offsets and leap seconds: ask again, more slowly.
 */
export function isPlainUtc(text: string): boolean {
  const { length } = text
  const hasShape =
    length >= 20 &&
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    text[10] === 'T' &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON &&
    text[length - 1] === 'Z'
  if (!hasShape || digits(text, 0, 4) === -1 || !hasFraction(text, length - 1)) return false
  const month = digits(text, 5, 7)
  const day = digits(text, 8, 10)
  // The 29th and later: which month has them is for others to say.
  const isDay = month >= 1 && month <= 12 && day >= 1 && day <= 28
  return isDay && isBelow(text, 11, 24) && isBelow(text, 14, 60) && isBelow(text, 17, 60)
}

function isBelow(text: string, at: number, limit: number): boolean {
  const value = digits(text, at, at + 2)
  return value >= 0 && value < limit
}

/** Nothing, or a dot and digits, between the seconds and the end. */
function hasFraction(text: string, end: number): boolean {
  return end === 19 || (text.charCodeAt(19) === DOT && end > 20 && end < 40 && digits(text, 20, end) !== -1)
}

/** The number that these characters write; -1 where one of them is no digit. */
function digits(text: string, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}
