import { open } from 'node:fs/promises'
import { HeadwaterError } from '../errors.ts'
import type { Queue } from '../queues/queue.ts'
import { lineOf } from './output.ts'

/** A new file that takes events, a line each. What was published to it is on disk once it is disposed of. */
export async function openEventFile(path: string): Promise<Pick<Queue, 'publish'> & AsyncDisposable> {
  const file = await open(path, 'wx').catch((cause: unknown) => {
    const isThere = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'
    const why = isThere ? 'it is there already, and is not written over' : String(cause)
    throw new HeadwaterError('USAGE', `cannot make the file ${path}: ${why}`, { cause })
  })
  return {
    async publish(messages) {
      await file.writeFile(Buffer.concat(messages.map(({ body }) => lineOf(body))))
      return []
    },
    async [Symbol.asyncDispose]() {
      await file.sync()
      await file.close()
    },
  }
}
