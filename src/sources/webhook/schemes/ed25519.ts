import { createPublicKey, type KeyObject, verify } from 'node:crypto'

export const PUBLIC_KEY_BYTES = 32
export const SIGNATURE_BYTES = 64

/** A public key of Ed25519 from its 32 bytes. */
export function publicKeyOf(bytes: Buffer): KeyObject {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }
  return createPublicKey({ key: jwk, format: 'jwk' })
}

/** Whether one of these signatures is of these parts, by one of the keys. Takes a pass over the parts for each pair of them. */
export function isSignatureOf(
  parts: readonly Buffer[],
  signatures: readonly Buffer[],
  keys: readonly KeyObject[],
): boolean {
  if (signatures.length === 0) return false
  // Ed25519 reads what is signed twice, so it takes it in one piece. That is one body at a time, since nothing is awaited.
  const whole = Buffer.concat(parts)
  return keys.some((key) => signatures.some((given) => verify(null, whole, key, given)))
}
