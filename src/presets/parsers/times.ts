import { number } from './numbers.ts'
import type { Parser } from './parser.ts'

/** For parsers that look at values alone. */
const NONE = (): string => ''

/** Seconds since 1970, also as text. */
export const seconds: Parser = (value) => timestamp(number(value, NONE), 1000)
/** Milliseconds since 1970, also as text. */
export const milliseconds: Parser = (value) => timestamp(number(value, NONE), 1)

/**
 * A day as midnight UTC, however it is written: "2023-10-03", "October 3, 2023", "10 3, 2023", or the end of a sentence
 * such as "Reviewed in the United Kingdom on 3 October 2023" in one of nine languages, or its beginning in Japanese.
 */
export const day: Parser = (value) => {
  if (typeof value !== 'string' || value.length > MAX_SENTENCE) return value
  const text = value.normalize('NFC').replaceAll(/\s+/g, ' ').trim().toLowerCase()
  for (const pattern of DAYS) {
    const { y, m, d } = pattern.exec(text)?.groups ?? {}
    if (y !== undefined && m !== undefined) return midnight(Number(y), monthOf(m), Number(d)) ?? value
  }
  return value
}

/** Seconds, or a day, for providers that write the one or the other. */
export const secondsOrDay: Parser = (value, token) => day(seconds(value, token), token)

/** Longer than any sentence about a day: normalising takes quadratic time. */
const MAX_SENTENCE = 1_000

const DAYS: readonly RegExp[] = [
  /^(?<y>\d{4})-(?<m>\d\d)-(?<d>\d\d)$/,
  /(?:^| )(?<m>\p{L}+|\d\d) (?<d>\d\d?), (?<y>\d{4})$/u,
  /(?:^| )(?<d>\d\d?)\.? (?:de )?(?<m>\p{L}+) (?:de )?(?<y>\d{4})$/u,
  /^(?<y>\d{4})年(?<m>\d\d?)月(?<d>\d\d?)日/,
]

/** In English, German, French, Spanish, Italian, Dutch, Portuguese, Swedish and Polish. No name means two months. */
const MONTHS = [
  'january januar janvier enero gennaio januari janeiro stycznia',
  'february februar février febrero febbraio februari fevereiro lutego',
  'march märz mars marzo maart março marca',
  'april avril abril aprile kwietnia',
  'may mai mayo maggio mei maio maj maja',
  'june juni juin junio giugno junho czerwca',
  'july juli juillet julio luglio julho lipca',
  'august août agosto augustus augusti sierpnia',
  'september septembre septiembre settembre setembro września',
  'october oktober octobre octubre ottobre outubro października',
  'november novembre noviembre novembro listopada',
  'december dezember décembre diciembre dicembre dezembro grudnia',
].map((names) => names.split(' '))

/** Counted from 1; 0 is no month. */
const monthOf = (text: string): number =>
  /^\d/.test(text) ? Number(text) : MONTHS.findIndex((names) => names.includes(text)) + 1

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
