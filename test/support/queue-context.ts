import type { Logger } from '../../src/adapter.ts'
import type { QueueContext } from '../../src/queues/queue.ts'
import embeddedStore from '../../src/stores/embedded/index.ts'

const quiet = (): void => {}
export const silent: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }

/** What a queue of one topic is opened with: its registry is a real one, in the folder. */
export function queueContext(dataDir: string, topic: string, logger: Logger = silent): QueueContext {
  const context = { dataDir, logger, signal: new AbortController().signal }
  return {
    ...context,
    topic,
    openRegistry: () => embeddedStore.openRegistry(embeddedStore.config.parse({}), context),
  }
}
