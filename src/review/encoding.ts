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
