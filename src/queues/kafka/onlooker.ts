import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../adapter.ts'
import type { Bell } from '../../lib/bell.ts'
import type { Connection } from './connect.ts'
import { createFetcher } from './fetcher.ts'
import type { Groups } from './groups.ts'
import { createTaker, type Holding } from './holding.ts'
import { CALM_MS, createOutage } from './outage.ts'
import { createTenure, type Tenure } from './tenure.ts'
import { translate } from './translate.ts'

export interface OnlookerOptions {
  readonly connection: Connection
  readonly groups: Groups
  readonly topic: string
  readonly logger: Logger
  readonly bell: Bell
}

/** A reader without a group: it has all partitions from their beginning, and the brokers know nothing of it. */
export function createOnlooker({ connection, groups, topic, logger, bell }: OnlookerOptions): Holding {
  const outage = createOutage(`reading ${topic}`, logger, CALM_MS)
  const tenures = new Map<number, Tenure>()
  const takeFrom = createTaker()
  const closing = new AbortController()
  const fetcher = createFetcher({
    connection,
    topic,
    outage,
    logger,
    tenures: () => tenures.values(),
    onArrival: () => bell.ring(),
    onReset(tenure, start) {
      tenure.isOver = true
      tenures.set(tenure.partition, createTenure(tenure.partition, start))
    },
  })

  async function begin(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        for (const [partition, start] of await groups.earliest())
          tenures.set(partition, createTenure(partition, start))
        return fetcher.kick()
      } catch (error) {
        const waitMs = outage.failed(translate(error, connection.address))
        await sleep(waitMs, undefined, { signal: closing.signal }).catch(() => {})
      }
    }
  }

  return {
    enter: () => void begin(),
    leave() {
      closing.abort()
      fetcher.close()
    },
    take(room) {
      const takings = takeFrom(tenures.values(), room)
      if (takings.length > 0) fetcher.kick()
      return takings
    },
    acknowledge: async () => {},
  }
}
