import { hash } from 'node:crypto'
import type { Received } from './received.ts'

/** Whether raw is what was received, by the SHA-256 in hex that was taken of it then. */
export function isGenuine({ received, rawHash }: Genuine): boolean {
  return hash('sha256', received.raw, 'hex') === rawHash
}

interface Genuine {
  readonly received: Pick<Received, 'raw'>
  readonly rawHash: string
}
