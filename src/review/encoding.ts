import { isUtf8 } from 'node:buffer'
import { isDense } from '../lib/json-density.ts'
import { createScanner } from '../lib/json-scan.ts'
import type { RawEncoding } from './record.ts'

const scan = createScanner([])

/** How these bytes can travel inside JSON so that every consumer's parser takes them. */
export function encodingOf(raw: Buffer): RawEncoding {
  if (!isUtf8(raw)) return 'base64'
  if (isDense(raw)) return 'text'
  const text = raw.toString()
  if (text.trim() !== text || text.startsWith('\uFEFF')) return 'text'
  try {
    JSON.parse(text)
  } catch {
    return 'text'
  }
  return scan(text).plain ? 'json' : 'text'
}

/** Whether an eighth of these bytes or more are control characters, each of which takes six in a JSON string. */
export function isMostlyControls(raw: Buffer): boolean {
  let controls = 0
  for (let at = 0; at < raw.length; at++) if (isLongControl(raw[at] ?? 0)) controls++
  return controls > raw.length / 8
}

/** All but backspace, tab, line feed, form feed and carriage return. */
const isLongControl = (byte: number): boolean =>
  byte === 0x7f || (byte < 0x20 && !(byte >= 0x08 && byte <= 0x0d && byte !== 0x0b))
