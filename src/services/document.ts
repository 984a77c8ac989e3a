import { isUtf8 } from 'node:buffer'
import { isMostlyControls } from '../review/encoding.ts'
import { MAX_RAW_BYTES } from '../review/received.ts'
import type { Stored } from '../stores/store.ts'

/** Raw as text where it is UTF-8, else as base64; what is longer than a text can be has neither. */
export function documentOf(row: Stored) {
  const { key, revision, rawHash, received, verdict, ledger, storedAt } = row
  const { origin, receivedAt, context, raw } = received
  return {
    key,
    revision,
    origin,
    receivedAt: new Date(receivedAt).toISOString(),
    ...(storedAt !== undefined && { storedAt: new Date(storedAt).toISOString() }),
    verdict,
    context,
    ledger,
    rawHash,
    ...shown(raw),
  }
}

function shown(raw: Buffer): { readonly raw?: string; readonly rawBase64?: string } {
  if (raw.length > MAX_RAW_BYTES) return {}
  const isText = isUtf8(raw) && !isMostlyControls(raw)
  return isText ? { raw: raw.toString() } : { rawBase64: raw.toString('base64') }
}
