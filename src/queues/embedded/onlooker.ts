import type { Logger } from '../../adapter.ts'
import { createHeld } from './held.ts'
import type { Log } from './log.ts'
import type { Holding } from './reader.ts'

/** A reader of all that is kept, beside the groups. It writes nothing, so that its acknowledgements mean nothing. */
export function createOnlooker(log: Log, logger: Logger): Holding {
  const held = log.state().partitions.map(({ oldest }, partition) => {
    return createHeld(log, partition, oldest, (count) => {
      logger.warn({ partition, count }, `${count} messages were deleted before this reader came to them`)
    })
  })
  return {
    async join() {},
    leave() {},
    check() {},
    held: () => held,
    async acknowledge() {},
  }
}
