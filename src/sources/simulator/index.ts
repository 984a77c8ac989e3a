import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { Batch } from '../../batch.ts'
import { createWatermark } from '../../lib/watermark.ts'
import type { Received } from '../../review/received.ts'
import type { SourceAdapter } from '../source.ts'
import { openCheckpoint } from './checkpoint.ts'
import { createGenerator } from './generator.ts'
import { createPace } from './pace.ts'

const share = (fallback: number, description: string) =>
  z.number().min(0).max(1).default(fallback).meta({ description })

const config = z
  .strictObject({
    rate: z
      .number()
      .min(0.001)
      .max(100_000)
      .default(5)
      .meta({ description: 'Reviews per second, from one in a thousand seconds to 100,000.' }),
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .default(1)
      .meta({ description: 'The same seed brings the same products, people and opinions.' }),
    duplicates: share(0.05, 'The share of items that are an earlier review again, with other votes.'),
    edits: share(0.02, 'The share of items that are an earlier review, changed by its author.'),
    invalid: share(0.02, 'The share of items that no schema accepts, each in one of seven ways.'),
    count: z
      .int()
      .min(0)
      .optional()
      .meta({ description: 'Ends after that many items; without it the source never ends.' }),
    products: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(200)
      .meta({ description: 'How many products are reviewed, a few of them much more often than the rest.' }),
  })
  .refine(({ duplicates, edits, invalid }) => duplicates + edits + invalid <= 1, {
    error: 'expected duplicates, edits and invalid to be at most 1 together',
  })

/** What the source is told, with the defaults filled in. */
export type SimulatorConfig = z.output<typeof config>

/** A provider to develop against: believable reviews at a chosen rate, without a network. */
const simulator: SourceAdapter<SimulatorConfig> = {
  config,
  async open({ count, ...sequence }, context) {
    const checkpoint = await openCheckpoint(sequence, context)
    const generator = createGenerator(sequence, checkpoint.startedAt)
    const end = count ?? Number.MAX_SAFE_INTEGER
    const acknowledged = createWatermark(checkpoint.next)
    let disposed = false

    function handOver(from: number, to: number): Batch<Received> {
      return {
        items: receive(from, to),
        async ack() {
          if (disposed) return
          acknowledged.settle(from, to)
          await checkpoint.save(acknowledged.value)
        },
      }
    }

    function receive(from: number, to: number): Received[] {
      const { origin, name: source } = context
      const receivedAt = context.clock()
      return Array.from({ length: to - from }, (_, offset) => {
        const index = from + offset
        const about = { source, kind: 'simulator', position: index + 1 }
        return { origin, receivedAt, raw: generator.at(index), context: about }
      })
    }

    return {
      async *read({ signal }) {
        const pace = createPace(sequence.rate, context.clock())
        for (let next = checkpoint.next; next < end; next += pace.batchSize) {
          await pause(pace.wait(context.clock()), signal)
          if (signal.aborted) return
          yield handOver(next, Math.min(next + pace.batchSize, end))
        }
      },
      ...(count !== undefined && {
        progress: () => ({ done: Math.min(acknowledged.value, count), total: count, unit: 'items' }),
      }),
      async [Symbol.asyncDispose]() {
        disposed = true
      },
    }
  },
}

export default simulator

/** Resolves after that time, or at once when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
