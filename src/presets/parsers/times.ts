import { number } from './numbers.ts'
import type { Parser } from './parser.ts'

/** For parsers that look at values alone. */
const NONE = (): string => ''

/** Seconds since 1970, also as text. */
export const seconds: Parser = (value) => timestamp(number(value, NONE), 1000)
/** Milliseconds since 1970, also as text. */
export const milliseconds: Parser = (value) => timestamp(number(value, NONE), 1)

/**
 * A day as midnight UTC, however it is written: "2023-10-03", "October 3, 2023", "10 3, 2023", "23/10/2023", or the end of
 * a sentence such as "Reviewed in the United Kingdom on 3 October 2023" in one of nine languages, its beginning in Japanese
 * or its middle in Turkish. Where both the first and the second number may be the month, it is not read.
 */
export const day: Parser = (value) => {
  if (typeof value !== 'string' || value.length > MAX_SENTENCE) return value
  const text = value.normalize('NFC').replaceAll(/\s+/g, ' ').trim().toLowerCase()
  const { a, b, year } = NUMBERS.exec(text)?.groups ?? {}
  if (year !== undefined) return dayOfNumbers(Number(a), Number(b), Number(year)) ?? value
  for (const pattern of DAYS) {
    const { y, m, d } = pattern.exec(text)?.groups ?? {}
    if (y !== undefined && m !== undefined) return midnight(Number(y), monthOf(m), Number(d)) ?? value
  }
  return value
}

/** Seconds, or a day, for providers that write the one or the other. */
export const secondsOrDay: Parser = (value, token) => day(seconds(value, token), token)

/** A time with its zone that is spelled unlike RFC 3339: "2019-11-15 12:57:46 +00:00". Without a zone it is not read. */
export const time: Parser = (value) => {
  const [, date, clock, zone = ''] = (typeof value === 'string' && TIME.exec(value.trim())) || []
  if (date === undefined || clock === undefined) return value
  return `${date}T${clock}${/^(?:z|utc)$/i.test(zone) ? 'Z' : zone}`
}

const TIME = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,9})?) ?(z|utc|[+-]\d\d:\d\d)$/i

/** Longer than any sentence about a day: normalising takes quadratic time. */
const MAX_SENTENCE = 1_000

const DAYS: readonly RegExp[] = [
  /^(?<y>\d{4})[-/.](?<m>\d\d?)[-/.](?<d>\d\d?)$/,
  /(?:^| )(?<m>\p{L}+\.?|\d\d) (?<d>\d\d?), (?<y>\d{4})$/u,
  /(?:^| )(?<d>\d\d?)(?:\.|er|º)? (?:de )?(?<m>\p{L}+)\.? (?:de )?(?<y>\d{4})(?: tarihinde(?: .*)?)?$/u,
  /^(?<y>\d{4})年(?<m>\d\d?)月(?<d>\d\d?)日/,
]

/** One of the two is the month: that which can be no other, or both are the same. */
const NUMBERS = /^(?<a>\d\d?)(?<separator>[/.-])(?<b>\d\d?)\k<separator>(?<year>\d{4})$/

/**
 * In English, also shortened, German, French, Spanish, Italian, Dutch, Portuguese, Swedish, Polish and Turkish. No name
 * means two months.
 */
const MONTHS = [
  'january januar janvier enero gennaio januari janeiro stycznia jan ocak',
  'february februar février febrero febbraio februari fevereiro lutego feb şubat',
  'march märz mars marzo maart março marca mar mart',
  'april avril abril aprile kwietnia apr nisan',
  'may mai mayo maggio mei maio maj maja mayıs',
  'june juni juin junio giugno junho czerwca jun haziran',
  'july juli juillet julio luglio julho lipca jul temmuz',
  'august août agosto augustus augusti sierpnia aug ağustos',
  'september septembre septiembre settembre setembro września sep sept eylül',
  'october oktober octobre octubre ottobre outubro października oct ekim',
  'november novembre noviembre novembro listopada nov kasım',
  'december dezember décembre diciembre dicembre dezembro grudnia dec aralık',
].map((names) => names.split(' '))

/** Counted from 1; 0 is no month. */
const monthOf = (text: string): number =>
  /^\d/.test(text) ? Number(text) : MONTHS.findIndex((names) => names.includes(text.replace('.', ''))) + 1

function dayOfNumbers(a: number, b: number, year: number): string | undefined {
  const dayFirst = midnight(year, b, a)
  const monthFirst = midnight(year, a, b)
  if (dayFirst === undefined || monthFirst === undefined) return dayFirst ?? monthFirst
  return dayFirst === monthFirst ? dayFirst : undefined
}

/** Undefined where the calendar has no such day. */
function midnight(year: number, month: number, dayOfMonth: number): string | undefined {
  const date = new Date(Date.UTC(year, month - 1, dayOfMonth))
  const isSame =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === dayOfMonth
  return isSame ? date.toISOString() : undefined
}

/** Within the years that RFC 3339 can write. */
function timestamp(value: unknown, unitMs: number): unknown {
  if (typeof value !== 'number') return value
  const date = new Date(value * unitMs)
  const year = date.getUTCFullYear()
  return year >= 0 && year <= 9999 ? date.toISOString() : value
}
