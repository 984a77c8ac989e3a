/** MongoDB takes a hundred levels; the row has some of its own. */
const MAX_DEPTH = 64

/** What no field may be called, or only so that queries don't reach it; `_bsontype` is the client's own mark. */
const UNFIT = /[.\0]|^\$|^_bsontype$|^__proto__$/

/** Whether MongoDB can carry a JSON value, and a person's query reach it, just as it is. */
export function isNative(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  if (depth === MAX_DEPTH) return false
  if (Array.isArray(value)) return value.every((element) => isNative(element, depth + 1))
  return Object.entries(value).every(([name, of]) => isFit(name) && isNative(of, depth + 1))
}

/** A copy of a JSON value that is native: odd field names and texts are spelled in another way, and what is too deep is null. */
export function native(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value !== 'object' || value === null) return value
  if (depth === MAX_DEPTH) return null
  if (Array.isArray(value)) return value.map((element) => native(element, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, of]) => [nativeName(name), native(of, depth + 1)]),
  )
}

/** The full-width twins of `.` and `$`, and the sign for NUL. */
function nativeName(name: string): string {
  if (isFit(name)) return name
  const spelled = name
    .toWellFormed()
    .replaceAll('.', '\uff0e')
    .replaceAll('\0', '\u2400')
    .replace(/^\$/, '\uff04')
  return UNFIT.test(spelled) ? `${spelled}_` : spelled
}

const isFit = (name: string): boolean => name.isWellFormed() && !UNFIT.test(name)
