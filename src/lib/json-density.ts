import { behindString } from './json-slices.ts'

/** So many values, each with a comma or a bracket, are parsed whatever their size. */
const MANY = 500_000
/** Above that, a value has to take so many bytes on average: parsed, each may take four times as much. */
const BYTES_A_VALUE = 16

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b

/**
 * Whether parsing this JSON would take many times its own size in memory: more than half a million commas and opening
 * brackets outside strings, and less than 16 bytes for each. Builds nothing.
 */
export function isDense(json: Buffer): boolean {
  const most = Math.max(MANY, json.length / BYTES_A_VALUE)
  if (json.length / 2 <= most) return false // the least that a value takes, with what ends it
  let values = 0
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === QUOTE) at = behindString(json, at) - 1
    else if ((byte === COMMA || byte === OPEN_OBJECT || byte === OPEN_ARRAY) && ++values > most) return true
  }
  return false
}
