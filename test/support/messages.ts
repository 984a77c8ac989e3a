import type { Message } from '../../src/queues/queue.ts'

/** Numbered messages of one key. */
export const numbered = (from: number, to: number): Message[] =>
  Array.from({ length: to - from }, (_, n) => ({ key: 'same', body: Buffer.from(String(from + n)) }))

/** Numbered messages, each with a key of its own. */
export const numberedApart = (from: number, to: number): Message[] =>
  numbered(from, to).map(({ body }) => ({ key: `key-${body.toString()}`, body }))

/** What a numbered message says. */
export const text = ({ body }: Message): string => body.toString()
