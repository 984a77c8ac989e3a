const grouped = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })
const moment = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

/** 12345 is `12,345`. */
export const counted = (n: number): string => grouped.format(n)

/** `1 review`, `2 reviews`. */
export const plural = (n: number, noun: string, nouns = `${noun}s`): string =>
  `${counted(n)} ${n === 1 ? noun : nouns}`

/** Per second: `0`, `0.4`, `12.3`, `1,230`. */
export const rated = (perSecond: number): string =>
  perSecond >= 1000 ? grouped.format(Math.round(perSecond)) : short.format(Math.round(perSecond * 100) / 100)

/** 0.0213 is `2.1 %`. */
export const shared = (share: number): string => {
  const percent = share * 100
  if (percent > 0 && percent < 0.1) return 'under 0.1 %'
  return `${percent < 10 ? Math.round(percent * 10) / 10 : Math.round(percent)} %`
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** In decimal units: `1.5 MB`. */
export function sized(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  return `${short.format(bytes / 1000 ** power)} ${UNITS[power]}`
}

const SPANS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const

/** `320 ms`, `4.2 s`, `3 min`, `5 h`, `2 d`. */
export function lasted(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${Math.round(ms / 100) / 10} s`
  const [unitMs, unit] = SPANS.find(([span]) => ms >= span) ?? [1_000, 's']
  return `${Math.floor(ms / unitMs)} ${unit}`
}

export type Instant = string | number

export const msOf = (at: Instant): number => (typeof at === 'number' ? at : Date.parse(at))

/** `12 s ago`, `in 3 min`. */
export function relative(at: Instant, now = Date.now()): string {
  const ms = msOf(at) - now
  if (Math.abs(ms) < 1_500) return 'now'
  return ms > 0
    ? `in ${lasted(Math.floor(ms / 1000) * 1000)}`
    : `${lasted(Math.floor(-ms / 1000) * 1000)} ago`
}

/** In the time zone of whoever looks: `26 Nov 2026, 12:40:19`. */
export const dated = (at: Instant): string => (Number.isNaN(msOf(at)) ? String(at) : moment.format(msOf(at)))

/** A day, or a time with its zone: the same to everybody. */
const MOMENT = /^\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:\d\d))?$/i

/** Whether this is a moment, which an input for times can show; others, such as `7d`, only the server knows to read. */
export const isMoment = (time: string): boolean => MOMENT.test(time) && !Number.isNaN(Date.parse(time))

/** What a person puts in as a time of his own, in UTC. What is no time is left for the server to read, or to refuse. */
export function utcOf(local: string): string {
  const isTime = /^\d{4}-\d\d-\d\dT/.test(local) && !Number.isNaN(Date.parse(local))
  return isTime ? new Date(local).toISOString() : local
}

/** A moment as an input shows it to a person, to the millisecond: `2026-11-26T13:40`, `2026-11-26T13:40:07`. Others as they are. */
export function localOf(time: string): string {
  if (!isMoment(time)) return time
  const ms = Date.parse(time)
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString()
  return local.replace(/(?::00)?(?:\.000)?Z$/, '')
}
