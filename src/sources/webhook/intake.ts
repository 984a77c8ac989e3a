import type { IncomingMessage } from 'node:http'
import type { Batch } from '../../batch.ts'
import { Channel } from '../../lib/channel.ts'
import type { Received } from '../../review/received.ts'
import type { Source, SourceContext } from '../source.ts'
import { createAcceptedDeliveries, deliveryKey } from './accepted.ts'
import { batchesOf } from './batches.ts'
import { checkAnnounced, encodingOf, framingOf, inflate, isBlank, readBody } from './body.ts'
import { createBudget, type Share } from './budget.ts'
import type { Config, Verify } from './config.ts'
import { type Answer, type Counts, Delivery } from './delivery.ts'
import { type Envelope, itemsOf } from './items.ts'
import { createPatience } from './patience.ts'
import { Refused } from './refused.ts'
import type { Claim } from './schemes/scheme.ts'
import { schemeOf } from './verify.ts'

export interface Intake extends Source {
  /**
   * Resolves once all of the request is safe somewhere else; throws `Refused` where it isn't taken. `invite` is called
   * before the body is read, where the sender waits to be asked for it.
   */
  receive(request: IncomingMessage, invite: () => void): Promise<Answer | Duplicate>
  /** Whether no more requests are taken. */
  readonly stopping: boolean
}

/** The counts of a delivery that was accepted before. */
export interface Duplicate extends Counts {
  readonly duplicate: true
}

export interface IntakeConfig extends Omit<Config, 'path' | 'verify'> {
  readonly path: string
  readonly verify: Verify
}

/** Deliveries that wait are handed over together, up to so many items. */
const MAX_COALESCED_ITEMS = 1_000

const MAX_HEADERS = 100

const NOTHING: Answer = { received: 0, accepted: 0, unchanged: 0, rejected: 0, errors: [] }

/** From requests to batches, and from their acknowledgements back to the answers. */
export function openIntake(config: IntakeConfig, context: SourceContext): Intake {
  const { path, maxBodyBytes, maxInflatedBytes, maxItems, deadlineMs } = config
  const { clock, split } = context
  const scheme = schemeOf(config.verify)
  const budget = createBudget(config.maxInFlightBytes)
  const accepted = createAcceptedDeliveries()
  const channel = new Channel<Delivery>(config.queueDepth, ({ items }) => items.length)
  const patience = createPatience(deadlineMs)

  async function receive(request: IncomingMessage, invite: () => void): Promise<Answer | Duplicate> {
    if (channel.closed || channel.full) throw notNow()
    if (request.rawHeaders.length > 2 * MAX_HEADERS)
      throw new Refused(431, `expected at most ${MAX_HEADERS} headers; received more`)
    const share = budget.open()
    try {
      const taken = await take(request, share, invite)
      if (!(taken instanceof Delivery)) share[Symbol.dispose]()
      return taken instanceof Delivery ? taken.answer : taken
    } catch (error) {
      share[Symbol.dispose]()
      throw error
    }
  }

  /** The delivery that is handed over, and has the share from then on; or what is known of it already. */
  async function take(
    request: IncomingMessage,
    share: Share,
    invite: () => void,
  ): Promise<Delivery | Answer | Duplicate> {
    const framing = framingOf(request.headers['content-type'])
    const claim = scheme.claim(request, clock())
    const body = await provenBody(request, claim, share, invite)
    if (isBlank(body)) throw new Refused(400, 'expected a review, or several; the body is empty')

    const key = claim.delivery === undefined ? undefined : deliveryKey(claim.delivery, body)
    const known = key === undefined ? undefined : accepted.get(key)
    if (known !== undefined) return { ...known, duplicate: true }

    const items = await itemsOf(body, { framing, split, maxItems, share }, envelopeOf(claim))
    if (items.length === 0) return NOTHING
    const delivery = new Delivery(items, (counts) => {
      share[Symbol.dispose]()
      if (key !== undefined) accepted.set(key, counts)
    })
    if (!channel.trySend(delivery)) throw notNow()
    patience.add(delivery)
    return delivery
  }

  async function provenBody(
    request: IncomingMessage,
    claim: Claim,
    share: Share,
    invite: () => void,
  ): Promise<Buffer> {
    const encoding = encodingOf(request.headers['content-encoding'])
    checkAnnounced(request.headers['content-length'], maxBodyBytes)
    if (request.headers.expect !== undefined) invite()
    const sent = await readBody(request, maxBodyBytes, share)
    const proven = claim.isProvenBy(sent)
    if (encoding === undefined) {
      if (!proven) throw unproven()
      return sent
    }
    const body = await inflate(sent, encoding, maxInflatedBytes, share)
    share.give(sent.length)
    // What was compressed after it was signed, by the sender's HTTP client or by a proxy, is proven by what it was.
    if (!proven && !claim.isProvenBy(body)) throw unproven()
    return body
  }

  function envelopeOf({ delivery, verified }: Claim): Envelope {
    return {
      origin: context.origin,
      receivedAt: clock(),
      context: {
        source: context.name,
        kind: 'webhook',
        from: path,
        ...(delivery !== undefined && { delivery }),
        ...(verified !== undefined && { verified }),
      },
    }
  }

  function notNow(): Refused {
    return new Refused(
      503,
      channel.closed ? 'this source is stopping' : 'too many requests wait for the queue',
    )
  }

  function stop(): void {
    channel.close()
  }

  async function* read({
    signal,
  }: {
    readonly signal: AbortSignal
  }): AsyncGenerator<Batch<Received>, void, undefined> {
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    try {
      for await (const deliveries of channel.drain(MAX_COALESCED_ITEMS)) yield* batchesOf(deliveries)
    } finally {
      signal.removeEventListener('abort', stop)
      stop()
    }
  }

  return {
    receive,
    read,
    get stopping() {
      return channel.closed
    },
    async [Symbol.asyncDispose]() {
      stop()
      patience.end('this source is stopping')
    },
  }
}

function unproven(): Refused {
  return new Refused(401, 'no signature of the delivery matches its body')
}
