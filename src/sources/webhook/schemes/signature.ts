import { createHmac, timingSafeEqual } from 'node:crypto'

export type Algorithm = 'sha1' | 'sha256' | 'sha512'
export type Encoding = 'hex' | 'base64'

/** How many bytes an HMAC has. */
export const HMAC_BYTES: Readonly<Record<Algorithm, number>> = { sha1: 20, sha256: 32, sha512: 64 }

/**
 * The bytes of a signature as it is written; undefined where it isn't exactly so many, or isn't written as it is printed.
 * Digits of hex may be in capitals.
 */
export function decode(text: string, encoding: Encoding, length: number): Buffer | undefined {
  const bytes = Buffer.from(text, encoding)
  const written = encoding === 'hex' ? text.toLowerCase() : text
  return bytes.length === length && bytes.toString(encoding) === written ? bytes : undefined
}

/**
 * Whether one of these signatures, each as long as the algorithm's, is the HMAC of these parts under one of the keys. Takes
 * one pass over the parts for each key, however many signatures were sent.
 */
export function isHmacOf(
  parts: readonly Buffer[],
  signatures: readonly Buffer[],
  algorithm: Algorithm,
  keys: readonly (string | Buffer)[],
): boolean {
  return keys.some((key) => {
    const hmac = createHmac(algorithm, key)
    for (const part of parts) hmac.update(part)
    const expected = hmac.digest()
    return signatures.some((given) => timingSafeEqual(given, expected))
  })
}
