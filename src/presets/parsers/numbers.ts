import { createGetter } from '../../lib/pointer.ts'
import type { Parser } from './parser.ts'

const DECIMAL = /^-?\d+(\.\d+)?$/
const COUNT = /^(\d+|\d{1,3}(,\d{3})+)$/
/** "5.0 out of 5 stars", and what Amazon's shops in other languages put in its place: "4,0 von 5 Sternen". */
const STARS = /^(\d(?:[.,]\d)?) (?:out of|von|van|sur|su|de|av|z) 5 \p{L}+$/u

/** A number that came as text: "5", "5.0". */
export const number: Parser = (value) =>
  typeof value === 'string' && DECIMAL.test(value.trim()) ? Number(value) : value

/** A count with or without separators: "7", "1,341". */
export const count: Parser = (value) =>
  typeof value === 'string' && COUNT.test(value.trim()) ? Number(value.replaceAll(',', '')) : value

/** A rating out of five that came as a sentence: "5.0 out of 5 stars". */
export const stars: Parser = (value) => {
  const told = typeof value === 'string' ? STARS.exec(value.trim())?.[1] : undefined
  return told === undefined ? value : Number(told.replace(',', '.'))
}

/**
 * A rating beside its `RatingRange`. One out of anything but five becomes a text such as "8 of 10", which the schema
 * refuses: as a number it would be taken for one out of five.
 */
export const ratingInRange: Parser = (value, _, item) => {
  const range = rangeOf(item)
  const isOfFive = range === undefined || range === null || range === 5
  return isOfFive ? value : `${told(value)} of ${told(range)}`
}

/** Lists and objects may be longer and deeper than can be printed. */
const told = (value: unknown): string =>
  value !== null && typeof value === 'object' ? '…' : JSON.stringify(value)

const rangeOf = createGetter('/RatingRange')
