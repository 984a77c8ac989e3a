import { createGetter } from '../../lib/pointer.ts'
import type { Parser } from './parser.ts'

const DECIMAL = /^-?\d+(\.\d+)?$/
const COUNT = /^(\d+|\d{1,3}(,\d{3})+)$/

/** A number that came as text: "5", "5.0". */
export const number: Parser = (value) =>
  typeof value === 'string' && DECIMAL.test(value.trim()) ? exactly(value.trim(), value) : value

/** A count with or without separators: "7", "1,341". */
export const count: Parser = (value) =>
  typeof value === 'string' && COUNT.test(value.trim()) ? exactly(value.replaceAll(',', ''), value) : value

/** Digits as a number, or what they stood in where no number holds them all: another one would be invented. */
function exactly(digits: string, value: string): unknown {
  const read = Number(digits)
  return Math.abs(read) <= Number.MAX_SAFE_INTEGER ? read : value
}

/** A rating such as {"value": 4, "rating_max": 5}. One out of anything but five is refused like one beside its range. */
export const ratingValue: Parser = (value) => {
  const rating = valueOf(value)
  return rating === undefined ? value : ratingOf(rating, maxOf(value))
}

/**
 * A rating beside its `RatingRange`. One out of anything but five becomes a text such as "8 of 10", which the schema
 * refuses: as a number it would be taken for one out of five.
 */
export const ratingInRange: Parser = (value, _, item) => ratingOf(value, rangeOf(item))

function ratingOf(value: unknown, range: unknown): unknown {
  const isOfFive = range === undefined || range === null || range === 5
  return isOfFive ? value : `${told(value)} of ${told(range)}`
}

/** Lists and objects may be longer and deeper than can be printed. */
const told = (value: unknown): string =>
  value !== null && typeof value === 'object' ? '…' : JSON.stringify(value)

const rangeOf = createGetter('/RatingRange')
const valueOf = createGetter('/value')
const maxOf = createGetter('/rating_max')
