import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../adapter.ts'
import type { Batch } from '../../batch.ts'
import type { Message, ReadOptions } from '../queue.ts'
import type { Config } from './config.ts'
import type { Connection } from './connection.ts'
import { ackIdsOf, createLeases, type Delivered, type Leases, NO_LEASES } from './lease.ts'
import { decode } from './message.ts'
import type { Names } from './names.ts'
import { readBatches } from './read.ts'
import { anyOf } from './signals.ts'
import type { Subscriptions } from './subscriptions.ts'
import { isStatus } from './translate.ts'

export interface Parts {
  readonly connection: Connection
  readonly names: Names
  readonly subscriptions: Subscriptions
  readonly config: Config
  readonly logger: Logger
}

export interface Readers {
  read(options: ReadOptions): AsyncGenerator<Batch<Message>, void, undefined>
  /** Ends all readers, and gives back what was not acknowledged. */
  close(): Promise<void>
}

/** How long a request may wait for a first message. */
const PULL_MS = 30_000
const ACK_MS = 10_000
const RELEASE_MS = 2_000
const VANISHED = ['NOT_FOUND', 'FAILED_PRECONDITION', 'INVALID_ARGUMENT'] as const
/** How long closing may take to give back what is held. */
const CLOSE_MS = 3_500

/** All that read through one queue. */
export function createReaders({ connection, names, subscriptions, config, logger }: Parts): Readers {
  const { call } = connection
  const closing = new AbortController()
  const leases = new Map<string, Leases>()
  const ending = new Set<Promise<void>>()

  function track(work: Promise<void>): void {
    const done = (): void => void ending.delete(tracked)
    const tracked = work.then(done, done)
    ending.add(tracked)
  }

  /** What the service knows no more, or another reader has by now, comes again or is gone: nobody can acknowledge it. */
  async function acknowledge(subscription: string, ackIds: readonly string[]): Promise<void> {
    const request = { subscription, ackIds: [...ackIds] }
    try {
      await call(({ subscriber }, options) => subscriber.acknowledge(request, options), { timeoutMs: ACK_MS })
    } catch (error) {
      if (!VANISHED.some((status) => isStatus(error, status))) throw error
      logger.warn({ err: error, subscription }, 'acknowledgements came too late; messages may come again')
    }
  }

  function leasesOf(subscription: string): Leases {
    const existing = leases.get(subscription)
    if (existing) return existing
    const made = createLeases({
      acknowledge: (ackIds) => acknowledge(subscription, ackIds),
      extend: async (ackIds, ackDeadlineSeconds) => {
        const request = { subscription, ackIds: [...ackIds], ackDeadlineSeconds }
        await call(({ subscriber }, options) => subscriber.modifyAckDeadline(request, options), {
          timeoutMs: ackDeadlineSeconds === 0 ? RELEASE_MS : ACK_MS,
        })
      },
      deadlineMs: config.ackDeadlineMs,
      maxExtensionMs: config.maxExtensionMs,
      logger,
    })
    leases.set(subscription, made)
    return made
  }

  async function pull(
    subscription: string,
    maxMessages: number,
    signal: AbortSignal,
  ): Promise<readonly Delivered[]> {
    const { receivedMessages } = await call(
      ({ subscriber }, options) => subscriber.pull({ subscription, maxMessages }, options),
      { timeoutMs: PULL_MS, signal, mayBeSilent: true },
    )
    return (receivedMessages ?? []).map(({ ackId, message }) => ({
      ackId: ackId ?? '',
      id: message?.messageId ?? '',
      message: decode(message ?? {}),
    }))
  }

  /** Nothing within the time of a request is a silence like any other, if the service answers when it is asked. */
  function pulling(subscription: string, prepare: (signal: AbortSignal) => Promise<void>) {
    return async (maxMessages: number, signal: AbortSignal): Promise<readonly Delivered[]> => {
      try {
        return await pull(subscription, maxMessages, signal)
      } catch (error) {
        if (!isStatus(error, 'DEADLINE_EXCEEDED')) throw error
        await prepare(signal)
        return []
      }
    }
  }

  async function* ofGroup(
    group: string,
    options: ReadOptions,
    stop: AbortSignal,
  ): AsyncGenerator<Batch<Message>, void, undefined> {
    const subscription = names.subscription(group)
    const prepare = async (signal: AbortSignal): Promise<void> => {
      await subscriptions.ensure(group, signal)
    }
    const held = leasesOf(subscription)
    const subscriber = {
      prepare,
      pull: pulling(subscription, prepare),
      leases: held,
      logger,
      flow: config.flow,
    }
    yield* readBatches(subscriber, { ...options, stop, track })
  }

  /** What nobody else sees needs no acknowledgement of who reads it, and would hold up what follows of its key. */
  async function* alone(
    options: ReadOptions,
    stop: AbortSignal,
  ): AsyncGenerator<Batch<Message>, void, undefined> {
    const subscription = names.temporary(randomUUID())
    const prepare = (signal: AbortSignal) => subscriptions.makeTemporary(subscription, signal)
    const pullNext = pulling(subscription, prepare)
    const pull = async (maxMessages: number, signal: AbortSignal): Promise<readonly Delivered[]> => {
      const delivered = await pullNext(maxMessages, signal)
      if (delivered.length > 0) await acknowledge(subscription, ackIdsOf(delivered))
      return delivered
    }
    const forget = async (): Promise<void> => void (await subscriptions.remove(subscription))
    const subscriber = { prepare, pull, leases: NO_LEASES, logger, flow: config.flow }
    yield* readBatches(subscriber, { ...options, stop, track: (work) => track(work.then(forget)) })
  }

  return {
    async *read(options) {
      const { group, signal } = options
      const stop = anyOf([signal, closing.signal])
      try {
        if (!stop.signal.aborted)
          yield* group === undefined ? alone(options, stop.signal) : ofGroup(group, options, stop.signal)
      } finally {
        stop.release()
      }
    },
    async close() {
      closing.abort()
      const giveBack = async (): Promise<void> => {
        while (ending.size > 0) await Promise.all(ending)
        await Promise.all([...leases.values()].map((each) => each.close()))
      }
      await Promise.race([giveBack(), sleep(CLOSE_MS, undefined, { ref: false })])
    },
  }
}
