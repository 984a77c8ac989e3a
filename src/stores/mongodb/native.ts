/** MongoDB takes a hundred levels; the row has some of its own. */
const MAX_DEPTH = 64

/** What no field may be called, or only so that queries don't reach it; `_bsontype` is the client's own mark. */
const UNFIT = /[.\0]|^\$|^_bsontype$|^__proto__$/

/**
 * A JSON value as MongoDB can carry it and a person's query can reach it: the value itself where it is that, else a copy whose
 * odd field names and texts are spelled in another way, and which may lack what is nested too deep.
 */
export function native(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value !== 'object' || value === null) return value
  if (depth === MAX_DEPTH) return null
  if (Array.isArray(value)) return nativeList(value, depth)
  return nativeObject(value, depth)
}

function nativeList(list: readonly unknown[], depth: number): readonly unknown[] {
  const copy = list.map((element) => native(element, depth + 1))
  return copy.every((element, n) => element === list[n]) ? list : copy
}

function nativeObject(object: object, depth: number): object {
  let isSame = true
  const entries = Object.entries(object).map(([name, value]) => {
    const fit = nativeName(name)
    const carried = native(value, depth + 1)
    isSame &&= fit === name && carried === value
    return [fit, carried] as const
  })
  return isSame ? object : Object.fromEntries(entries)
}

/** The full-width twins of `.` and `$`, and the sign for NUL. */
function nativeName(name: string): string {
  if (name.isWellFormed() && !UNFIT.test(name)) return name
  const spelled = name
    .toWellFormed()
    .replaceAll('.', '\uff0e')
    .replaceAll('\0', '\u2400')
    .replace(/^\$/, '\uff04')
  return UNFIT.test(spelled) ? `${spelled}_` : spelled
}
