import type { Change } from './verdict.ts'

type Fields = Readonly<Record<string, unknown>>

/** All but tab, line feed and carriage return, which belong to text. */
const CONTROLS = /[\0-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]/g
/**
 * What NFC may change, or put together with what stands before it: all but Latin, the marks of punctuation and currency, kana,
 * Han and Hangul, which most texts are made of.
 */
const MAY_COMPOSE = /[^\0-\u02FF\u2002-\u20CF\u3040-\u3098\u309B-\uA66E\uABEE-\uD7FF]/
/** Marks behind one letter are sorted in quadratic time; no language piles up so many of them. */
const PILE_OF_MARKS = /\p{M}{65}/v
/** Shorter texts hold no pile that takes long. */
const SHORT = 1_000
/** Where this finds nothing, neither of them does, and there are no surrogates: most texts are done at one look. */
const SUSPICIOUS = /[^\t\n\r\x20-\x7E\xA0-\u02FF]/

/**
 * The candidate with its texts made harmless: control characters and lone surrogates out, Unicode NFC, outer white space
 * trimmed. Nothing is cut or guessed; what was changed is told, once a field. Raw is never touched by this. Of texts that
 * are known to be `tame`, printable ASCII, only the ends are looked at. A text of more than 1,000 characters with more than
 * 64 combining marks in a row is not normalised.
 */
export function sanitise(candidate: Fields, tame = false): { clean: Fields; changes: readonly Change[] } {
  const changes: Change[] = []
  let clean = candidate
  for (const field in candidate) {
    const value = candidate[field]
    const harmless = cleanValue(value, tame, field, changes)
    if (harmless !== value) clean = { ...clean, [field]: harmless }
  }
  return { clean, changes }
}

/** The value itself where nothing in it had to change. */
function cleanValue(value: unknown, tame: boolean, field: string, changes: Change[]): unknown {
  if (typeof value === 'string') return cleanText(value, tame, field, changes)
  if (!Array.isArray(value)) return value
  const entries = value.map((entry: unknown) =>
    typeof entry === 'string' ? cleanText(entry, tame, field, changes) : entry,
  )
  return entries.every((entry, n) => entry === value[n]) ? value : entries
}

function cleanText(text: string, tame: boolean, field: string, changes: Change[]): string {
  const clean = !tame && SUSPICIOUS.test(text) ? withoutStrangers(text, field, changes) : text
  return changed(clean, clean.trim(), field, 'outer white space trimmed', changes)
}

function withoutStrangers(text: string, field: string, changes: Change[]): string {
  let clean = changed(text, text.replace(CONTROLS, ''), field, 'control characters removed', changes)
  if (!clean.isWellFormed()) {
    const whole = clean.toWellFormed().replaceAll('\uFFFD', '')
    clean = changed(clean, whole, field, 'lone surrogates removed', changes)
  }
  return MAY_COMPOSE.test(clean) && (clean.length <= SHORT || !PILE_OF_MARKS.test(clean))
    ? changed(clean, clean.normalize('NFC'), field, 'normalised to Unicode NFC', changes)
    : clean
}

/** The text behind a step, which is noted where it made a difference. */
function changed(before: string, after: string, field: string, why: string, changes: Change[]): string {
  const isNoted = after === before || changes.some((known) => known.field === field && known.why === why)
  if (!isNoted) changes.push({ field, why })
  return after
}
