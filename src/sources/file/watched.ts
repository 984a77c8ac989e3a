import { setTimeout as delay } from 'node:timers/promises'
import type { Batch } from '../../batch.ts'
import { HeadwaterError, TransientError } from '../../errors.ts'
import type { Received } from '../../review/received.ts'
import type { Source, SourceContext } from '../source.ts'
import type { Identity } from './files.ts'
import { openFolder, type Seen } from './folder.ts'
import { framingOfName } from './framing.ts'
import { type Batches, type Limits, type Reading, readFile, untilAborted } from './reader.ts'
import { createReport } from './report.ts'

export interface Watching {
  readonly everyMs: number
  readonly settleMs: number
}

/** So much of the time is left to others than the folders. */
const REST_PER_LOOK = 9
/** What is told where the registry does not answer. */
const CHECKPOINTS = 'the checkpoints'

/**
 * Reads files that are there and those that appear, one at a time, and never ends. Whoever writes a file may take the time:
 * it counts as complete once it has not changed for a while, and until then gives whole lines only.
 */
export async function openWatched(
  patterns: readonly string[],
  { everyMs, settleMs }: Watching,
  limits: Limits,
  context: SourceContext,
): Promise<Source> {
  const { name: source, clock, logger } = context
  const disposed = new AbortController()
  const report = createReport(context)
  const inHand = createInHand()
  const folder = await openFolder({ patterns, context, report, isInHand: inHand.has })

  async function* readSeen({ path, absolute, sighting }: Seen, reading: Reading): Batches {
    const hasSettled = clock() - sighting.since >= settleMs
    const hasLines = (framingOfName(path, limits.format)?.format ?? 'json') !== 'json'
    if (!hasSettled && (sighting.read === 'lines' || !hasLines)) return
    let isWhole = false
    const file = {
      path,
      absolute,
      isWhole({ size, modifiedMs }: Identity) {
        isWhole = hasSettled && size === sighting.size && modifiedMs === sighting.modifiedMs
        return isWhole
      },
      onDone: () => logger.info({ source, path }, `${path} is read and acknowledged to its end`),
    }
    try {
      for await (const batch of readFile(file, reading)) yield inHand.take(absolute, batch)
      sighting.read = isWhole ? 'all' : 'lines'
      report.well(absolute)
    } catch (error) {
      if (!isAboutOneFile(error)) throw error
      report.trouble(absolute, error)
    }
  }

  async function* readForever(reading: Reading): Batches {
    while (true) {
      const startedAt = performance.now()
      let lookMs = 0
      try {
        const seen = await folder.look(reading.stop)
        lookMs = performance.now() - startedAt
        for (const file of seen) yield* readSeen(file, reading)
        report.well(CHECKPOINTS)
      } catch (error) {
        if (!(error instanceof TransientError)) throw error
        report.trouble(CHECKPOINTS, error)
      }
      await delay(Math.max(everyMs, REST_PER_LOOK * lookMs), undefined, { signal: reading.stop })
    }
  }

  return {
    read({ signal }) {
      const stop = AbortSignal.any([signal, disposed.signal])
      return untilAborted(readForever({ ...limits, context, stop, disposed: disposed.signal }), stop)
    },
    async [Symbol.asyncDispose]() {
      disposed.abort()
    },
  }
}

/** What was handed over of each file and is not acknowledged yet: of such a file nothing more is read. */
function createInHand() {
  const batches = new Map<string, number>()

  function count(absolute: string, more: 1 | -1): void {
    const open = (batches.get(absolute) ?? 0) + more
    if (open === 0) batches.delete(absolute)
    else batches.set(absolute, open)
  }

  return {
    has: (absolute: string): boolean => batches.has(absolute),
    take(absolute: string, batch: Batch<Received>): Batch<Received> {
      let isOpen = true
      count(absolute, 1)
      return {
        items: batch.items,
        async ack() {
          await batch.ack()
          if (isOpen) count(absolute, -1)
          isOpen = false
        },
      }
    },
  }
}

/** Other files may be in order. */
function isAboutOneFile(error: unknown): error is HeadwaterError {
  return (
    error instanceof HeadwaterError &&
    (error.code === 'FILE_UNREADABLE' || error.code === 'REGISTRY_NAME_INVALID')
  )
}
