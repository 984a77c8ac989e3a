/** How long to wait, from when on. */
export interface Asked {
  readonly now: number
  readonly seconds: number
}

/** How an answer asks to wait, in its headers. Never for less than `seconds`; `nothing` leaves it to the client. */
export const waitForms: Readonly<Record<string, (asked: Asked) => Readonly<Record<string, string>>>> = {
  'Retry-After in seconds': ({ seconds }) => ({ 'retry-after': String(seconds) }),
  'Retry-After as a date': (asked) => ({ 'retry-after': imf(untilOf(asked)) }),
  'Retry-After as a date of RFC 850': (asked) => ({ 'retry-after': rfc850(untilOf(asked)) }),
  'Retry-After as a date of asctime': (asked) => ({ 'retry-after': asctime(untilOf(asked)) }),
  'Retry-After by a clock that is an hour ahead': (asked) => ({
    date: imf(asked.now + HOUR_MS),
    'retry-after': imf(untilOf(asked) + HOUR_MS),
  }),
  'Retry-After beside a RateLimit that knows better': ({ seconds }) => ({
    'retry-after': String(seconds),
    ratelimit: '"burst";r=1;t=1',
  }),
  'RateLimit alone': ({ seconds }) => ({
    'ratelimit-policy': `"burst";q=1;w=${seconds}`,
    ratelimit: `"burst";r=0;t=${seconds}`,
  }),
  'X-RateLimit-Reset in seconds': ({ seconds }) => ({
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': String(seconds),
  }),
  'X-RateLimit-Reset since 1970': (asked) => ({
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': String(untilOf(asked) / 1_000),
  }),
}

/** How an answer that is a page tells what is left of a limit, and when it begins anew. */
export const allowanceForms: Readonly<
  Record<string, (left: Asked & Allowance) => Readonly<Record<string, string>>>
> = {
  RateLimit: ({ limit, windowSeconds, remaining, seconds }) => ({
    'ratelimit-policy': `"burst";q=${limit};w=${windowSeconds}`,
    ratelimit: `"burst";r=${remaining};t=${seconds}`,
  }),
  'RateLimit-Remaining': ({ limit, remaining, seconds }) => ({
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(seconds),
  }),
  'X-RateLimit-Remaining': ({ limit, remaining, seconds }) => ({
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(seconds),
  }),
  'X-RateLimit-Remaining until a time since 1970': ({ limit, remaining, ...asked }) => ({
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(untilOf(asked) / 1_000),
  }),
}

export interface Allowance {
  readonly limit: number
  readonly windowSeconds: number
  readonly remaining: number
}

const HOUR_MS = 3_600_000
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const

/** A date has no fractions of a second: the next whole one. */
const untilOf = ({ now, seconds }: Asked): number => Math.ceil(now / 1_000 + seconds) * 1_000

/** The form of today, as `Date` has it too. */
export const imf = (at: number): string => new Date(at).toUTCString()

function rfc850(at: number): string {
  const [, day, month, year = '', time] = imf(at).split(' ')
  return `${DAYS[new Date(at).getUTCDay()]}, ${day}-${month}-${year.slice(2)} ${time} GMT`
}

function asctime(at: number): string {
  const [weekday = '', day = '', month, year, time] = imf(at).split(' ')
  return `${weekday.slice(0, 3)} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`
}
