import type { IncomingMessage } from 'node:http'

/** How senders of one source prove who they are. */
export interface Scheme {
  /** What the head of a request alone says, before any of its body is read. Refuses with 401 what can't be right. */
  claim(head: Head, nowMs: number): Claim
}

export type Head = Pick<IncomingMessage, 'headers' | 'url'>

/** Who a request says it is from. Nothing of it counts before `isProvenBy` was true. */
export interface Claim {
  /** The sender's id of the delivery, the same when it is sent again. */
  readonly delivery?: string
  /** The name of the scheme; absent where nothing is asked. */
  readonly verified?: string
  /** Whether these bytes are what the sender signed. */
  isProvenBy(body: Buffer): boolean
}
