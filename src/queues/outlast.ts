import { HeadwaterError, TransientError } from '../errors.ts'
import type { Queue } from './queue.ts'

/** What a broker that once let us in may take back, and an operator give back: nobody has to start anything anew for it. */
const PASSING: ReadonlySet<string> = new Set(['QUEUE_REFUSED', 'TOPIC_MISSING'])

/** A queue that is refused while it runs is tried again, loudly, as one that is away is. */
export function outlastRefusals(queue: Queue): Queue {
  return {
    ...queue,
    maxMessageBytes: queue.maxMessageBytes,
    publish: (messages, options) => again(() => queue.publish(messages, options)),
    ...(queue.publishTo && {
      publishTo: (group, messages, options) =>
        again(async () => (await queue.publishTo?.(group, messages, options)) ?? []),
    }),
  }
}

async function again<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof HeadwaterError) || error instanceof TransientError || !PASSING.has(error.code))
      throw error
    throw new TransientError(error.code, error.message, { cause: error })
  }
}
