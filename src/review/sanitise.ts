import type { Change } from './verdict.ts'

type Fields = Readonly<Record<string, unknown>>

/** All but tab, line feed and carriage return, which belong to text. */
const CONTROLS = /[\p{Cc}--[\t\n\r]]/gv
/** Below this, text is in Unicode NFC already. */
const MAY_COMPOSE = /[\u0300-\uFFFF]/
/** Where this finds nothing, neither of them does, and there are no surrogates: most texts are done at one look. */
const SUSPICIOUS = /[^\t\n\r\x20-\x7E\xA0-\u02FF]/

/**
 * The candidate with its texts made harmless: control characters and lone surrogates out, Unicode NFC, outer white space
 * trimmed. Nothing is cut or guessed; what was changed is told. Raw is never touched by this.
 */
export function sanitise(candidate: Fields): { clean: Fields; changes: readonly Change[] } {
  const changes: Change[] = []
  let clean = candidate
  for (const field in candidate) {
    const value = candidate[field]
    const harmless = cleanValue(value, field, changes)
    if (harmless !== value) clean = { ...clean, [field]: harmless }
  }
  return { clean, changes }
}

/** The value itself where nothing in it had to change. */
function cleanValue(value: unknown, field: string, changes: Change[]): unknown {
  if (typeof value === 'string') return cleanText(value, field, changes)
  if (!Array.isArray(value)) return value
  const before = changes.length
  const entries = value.map((entry: unknown) =>
    typeof entry === 'string' ? cleanText(entry, field, changes) : entry,
  )
  return changes.length === before ? value : entries
}

function cleanText(text: string, field: string, changes: Change[]): string {
  let clean = text
  const step = (why: string, next: string): void => {
    if (next === clean) return
    clean = next
    changes.push({ field, why })
  }
  if (SUSPICIOUS.test(text)) {
    step('control characters removed', text.replace(CONTROLS, ''))
    if (!clean.isWellFormed()) step('lone surrogates removed', clean.toWellFormed().replaceAll('\uFFFD', ''))
    if (MAY_COMPOSE.test(clean)) step('normalised to Unicode NFC', clean.normalize('NFC'))
  }
  step('outer white space trimmed', clean.trim())
  return clean
}
