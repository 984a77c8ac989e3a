import { createHash } from 'node:crypto'
import { BoundedMap } from '../../lib/bounded-map.ts'
import type { Counts } from './delivery.ts'

/** So many deliveries are remembered, the first forgotten first. */
const CAPACITY = 10_000

/**
 * The deliveries that were accepted, so that one that is sent again needn't be published again. It spares work and
 * decides nothing: the key of a record makes a repeat harmless anyway.
 */
export interface AcceptedDeliveries {
  get(key: string): Counts | undefined
  set(key: string, counts: Counts): void
}

export function createAcceptedDeliveries(): AcceptedDeliveries {
  return new BoundedMap<string, Counts>(CAPACITY)
}

/** An id counts together with its body: a sender that reuses one for other content loses nothing. */
export function deliveryKey(id: string, body: Buffer): string {
  return createHash('sha256').update(`${id.length}:${id}`).update(body).digest('base64')
}
