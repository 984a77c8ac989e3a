/** The longest that a provider is believed: the field may be wrong, or malicious. */
export const LONGEST_WAIT_MS = 24 * 3_600_000

const TIME = '(?<hour>[01]\\d|2[0-3]):(?<minute>[0-5]\\d):(?<second>[0-5]\\d|60)'

/** RFC 9110, 5.6.7: the form of today, that of RFC 850 and that of asctime. */
const DATES = [
  `^[A-Z][a-z]{2}, (?<day>\\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\\d{4}) ${TIME} GMT$`,
  `^[A-Z][a-z]+, (?<day>\\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\\d{2}) ${TIME} GMT$`,
  `^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`,
].map((form) => new RegExp(form))

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * How long to wait, by the fields `Retry-After` and `Date` of an answer; undefined where nothing was asked. A date counts
 * from the provider's own clock where that is told. Never less than was asked, up to a day.
 */
export function retryAfterMs(
  retryAfter: string | undefined,
  date: string | undefined,
  now: number,
): number | undefined {
  if (retryAfter === undefined) return undefined
  const text = retryAfter.trim()
  if (/^\d+(\.\d+)?$/.test(text)) return bounded(Math.ceil(Number(text) * 1_000))
  const until = parseHttpDate(text, now)
  if (until === undefined) return undefined
  return bounded(until - clockOf(date, now))
}

/** What the provider's own clock says, by the field `Date`; `now` where that is not to be read. */
export function clockOf(date: string | undefined, now: number): number {
  return (date === undefined ? undefined : parseHttpDate(date.trim(), now)) ?? now
}

/** Milliseconds since 1970 of a date in any form that HTTP knows. */
export function parseHttpDate(text: string, now: number): number | undefined {
  const groups = DATES.map((form) => form.exec(text)?.groups).find((found) => found !== undefined)
  const { day, month = '', year = '', hour, minute, second } = groups ?? {}
  const fullYear = year.length === 2 ? centuryOf(Number(year), now) : Number(year)
  const midnight = new Date(Date.UTC(fullYear, MONTHS.indexOf(month), Number(day)))
  const isReal = MONTHS.includes(month) && midnight.getUTCDate() === Number(day)
  return isReal ? midnight.setUTCHours(Number(hour), Number(minute), Number(second)) : undefined
}

/** Two digits that would be more than 50 years ahead are of the century before. */
function centuryOf(twoDigits: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + twoDigits
  return year > thisYear + 50 ? year - 100 : year
}

const bounded = (ms: number): number => Math.min(LONGEST_WAIT_MS, Math.max(0, ms))
