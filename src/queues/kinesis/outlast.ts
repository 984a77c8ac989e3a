import { TransientError } from '../../errors.ts'
import type { Kinesis } from './client.ts'
import { isRefusal } from './translate.ts'

export type Reading = Pick<Kinesis, 'shards' | 'iterator' | 'records'>

/**
 * Who was let in once may be refused for a while: a role that is renewed, a clock that is put right, a policy that is given
 * back. A stream that is gone is none of it: one that is made anew is another, and whoever reads it begins anew.
 */
export function outlastRefusals(kinesis: Reading): Reading {
  let isLetIn = false

  async function again<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (!isLetIn || !isRefusal(error)) throw error
      throw new TransientError(error.code, error.message, { cause: error.cause })
    }
  }

  return {
    shards: (...asked) => again(kinesis.shards(...asked)),
    iterator: (...asked) => again(kinesis.iterator(...asked)),
    async records(...asked) {
      const page = await again(kinesis.records(...asked))
      isLetIn = true
      return page
    },
  }
}
