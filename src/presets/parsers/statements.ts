import { count } from './numbers.ts'
import type { Parser } from './parser.ts'

/** "5.0 out of 5 stars", and what Amazon's shops in other languages put in its place: "4,0 von 5 Sternen". Not people. */
const STARS: readonly RegExp[] = [
  /^(\d(?:[.,]\d)?) (?:out of|von|van|sur|su|de|av|z) 5(?: (?:stars?|sternen?|sterren|étoiles?|stelle|estrellas?|estrelas?|stjärnor|gwiazdek))?$/iu,
  /^5つ星のうち ?(\d(?:\.\d)?)$/,
  /^5 yıldız üzerinden (\d(?:[.,]\d)?)$/,
  /^(\d(?:[.,]\d)?)$/,
]

/** The same in front of a title. The noun belongs to it: "2 of 5 lamps broke" is a title. */
const STARS_BEFORE =
  /^(?:\d[.,]\d (?:out of 5 stars|von 5 sternen|van 5 sterren|sur 5 étoiles|su 5 stelle|de 5 (?:estrellas|estrelas)|av 5 stjärnor|z 5 gwiazdek)|5つ星のうち ?\d\.\d) (?=\S)/iu

/** How many people found a review helpful, as Amazon's shops say it; one is a word. */
const HELPFUL: readonly RegExp[] = [
  /^(.+) (?:person|people) found this helpful$/,
  /^(.+) (?:person fand|personen fanden) diese informationen hilfreich$/,
  /^(.+) (?:personne a|personnes ont) trouvé cela utile$/,
  /^a (.+) personas? les? resultó útil$/,
  /^(.+) (?:persona l'ha|persone l'hanno) trovato utile$/,
  /^(.+) (?:persoon vond|mensen vonden) dit nuttig$/,
  /^(.+) (?:pessoa achou|pessoas acharam) isso útil$/,
  /^(.+)人のお客様がこれが役に立ったと考えています$/,
]

const ONE = new Set(['one', 'eine', 'une', 'una', 'een', 'eén', 'één', 'uma'])
const COUNT = /^(?:\d+|\d{1,3}([., ])\d{3}(?:\1\d{3})*)$/

/** A rating out of five that came as a sentence, or as a number in a text: "5.0 out of 5 stars", "4,0". */
export const stars: Parser = (value) => {
  if (typeof value !== 'string' || value.length > MAX_STATEMENT) return value
  const text = spaced(value)
  const told = STARS.map((pattern) => pattern.exec(text)?.[1]).find((found) => found !== undefined)
  return told === undefined ? value : Number(told.replace(',', '.'))
}

/** A title without the rating in stars that some put before it: "4,0 van 5 sterren Fijne lamp". */
export const titleAfterStars: Parser = (value) =>
  typeof value === 'string' ? value.replace(STARS_BEFORE, '') : value

/**
 * How many found it helpful: "One person found this helpful" is 1, "1,234 people found this helpful" is 1234; also a count
 * alone. Other sentences say nothing about it.
 */
export const helpfulStatement: Parser = (value, token) => {
  if (typeof value !== 'string') return value
  if (value.length > MAX_STATEMENT) return undefined
  const alone = count(value, token)
  if (typeof alone === 'number') return alone
  const text = spaced(value).toLowerCase().replaceAll('’', "'").replace(/\.$/, '')
  const told = HELPFUL.map((pattern) => pattern.exec(text)?.[1]).find((found) => found !== undefined)
  if (told === undefined) return undefined
  if (ONE.has(told)) return 1
  const read = COUNT.test(told) ? Number(told.replaceAll(/\D/g, '')) : undefined
  return Number.isSafeInteger(read) ? read : undefined
}

/** Longer than any such sentence. */
const MAX_STATEMENT = 1_000

const spaced = (text: string): string => text.normalize('NFC').replaceAll(/\s+/g, ' ').trim()
