import type { Message, Queue } from '../../src/queues/queue.ts'

/** A broker to measure on, started for it. */
export interface Broker extends AsyncDisposable {
  /** An empty topic, as Headwater has it. */
  open(topic: string): Promise<Queue>
  /** How long a batch is filled: 20 ms in the storage service. 0 where a server gives out too little at a time to fill one. */
  readonly lingerMs: number
  /** An empty topic, as its client library alone has it, used as safely. */
  bare(topic: string): Promise<Bare>
}

export interface Bare extends AsyncDisposable {
  /** Resolves when all of them are durable. */
  publish(messages: readonly Message[]): Promise<void>
  /** Reads so many, and resolves when all are acknowledged. */
  read(count: number): Promise<void>
}

/** Starts it; a text says why it can't be. */
export type StartBroker = () => Promise<Broker | string>

/** How many messages are published, and acknowledged, at a time. */
export const BATCH = 500
