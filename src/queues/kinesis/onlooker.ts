import type { Bell } from '../../lib/bell.ts'
import { retry } from '../../lib/retry.ts'
import type { Kinesis } from './client.ts'
import type { Cursor } from './cursor.ts'
import { SHARD_END, TRIM_HORIZON } from './position.ts'
import type { Holding } from './reader.ts'
import { readable } from './share.ts'

export interface OnlookerOptions {
  readonly kinesis: Pick<Kinesis, 'shards'>
  readonly open: (shard: string, fail: (error: unknown) => void) => Cursor
  readonly bell: Bell
}

/** A reader of all that is kept, beside the groups. It writes nothing, so that its acknowledgements mean nothing. */
export function createOnlooker({ kinesis, open, bell }: OnlookerOptions): Holding {
  const cursors = new Map<string, Cursor>()
  const leaving = new AbortController()
  let failure: { readonly error: unknown } | undefined
  let isLooking = false
  /** How many shards were read to their end when the children were looked for. */
  let followed = 0

  const fail = (error: unknown): void => {
    failure ??= { error }
  }

  function readToTheEnd(): number {
    return [...cursors.values()].filter(({ isRead }) => isRead).length
  }

  async function look(): Promise<void> {
    const read = readToTheEnd()
    const { signal } = leaving
    const shards = await retry(() => kinesis.shards({ signal }), signal, { baseMs: 100, maxMs: 5_000 })
    const checkpointOf = (id: string) => (cursors.get(id)?.isRead ? SHARD_END : TRIM_HORIZON)
    for (const id of readable(shards, checkpointOf)) if (!cursors.has(id)) cursors.set(id, open(id, fail))
    followed = read
  }

  function lookOnce(): void {
    if (isLooking) return
    isLooking = true
    void look()
      .catch((error: unknown) => {
        if (!leaving.signal.aborted) fail(error)
      })
      .finally(() => {
        isLooking = false
        bell.ring()
      })
  }

  return {
    join: lookOnce,
    leave() {
      leaving.abort()
      for (const cursor of cursors.values()) cursor.close()
    },
    check() {
      if (failure) throw failure.error
      if (readToTheEnd() > followed) lookOnce()
    },
    cursors: () => [...cursors.values()],
    async acknowledge() {},
  }
}
