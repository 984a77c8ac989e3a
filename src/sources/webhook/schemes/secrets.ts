import { hash, timingSafeEqual } from 'node:crypto'
import { z, type ZodType } from 'zod'

/** A secret shared with the sender, of any length. */
export const secret = z
  .string()
  .min(1)
  .meta({ secret: true, description: 'A secret shared with the sender.' })

/** Several secrets of this kind. */
export function secretsOf<T extends ZodType<string>>(kind: T) {
  return z.array(kind).min(1).meta({
    secret: true,
    description: 'Shared with the sender; each of them is good, so that one can be replaced without a gap.',
  })
}

/** Whether these bytes are one of the secrets. Digests are compared, which have one length whatever was sent. */
export function createKnown(secrets: readonly string[]): (given: Buffer) => boolean {
  const digests = secrets.map((text) => digest(Buffer.from(text)))
  return (given) => {
    const found = digest(given)
    return digests.some((known) => timingSafeEqual(found, known))
  }
}

const digest = (bytes: Buffer): Buffer => hash('sha256', bytes, 'buffer')
