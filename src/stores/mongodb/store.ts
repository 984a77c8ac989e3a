import type { Store } from '../store.ts'
import { openChanges } from './changes.ts'
import { checkRows } from './check.ts'
import { collectionsIn } from './collections.ts'
import type { Session } from './connect.ts'
import { clustersIn, countDeadLetterBytes, deadLetterBytesOf } from './dead-letters.ts'
import { createPut } from './put.ts'
import { openRawParts } from './raw.ts'
import { openRows } from './rows.ts'
import { scanRows } from './scan.ts'

/** The store behind a session, which it closes. */
export function openStore(session: Session, prefix: string): Store {
  const collections = collectionsIn(session.db, prefix)
  const { reviews } = collections
  const parts = openRawParts(session, collections.parts)
  const rows = openRows(session, reviews, parts)
  const put = createPut(session, reviews, parts, Date.now)
  const deadLetters = countDeadLetterBytes(session, reviews)
  const changes = openChanges(session, reviews, parts, deadLetters.add)

  return {
    async put(arrivals, options) {
      const outcomes = await put(arrivals, options)
      for (const [n, { status, received }] of arrivals.entries()) {
        if (outcomes[n] === 'stored') deadLetters.add(deadLetterBytesOf(status, received.raw.length))
      }
      return outcomes
    },
    get: rows.get,
    scan: (scan) => scanRows(session, reviews, rows, scan),
    amend: (key, revision, verdict, options = {}) => changes.amend(key, revision, verdict, options),
    erase: (keys, options = {}) => changes.erase(keys, options),
    clusters: (options = {}) => clustersIn(session, reviews, rows, options),
    deadLetterBytes: deadLetters.bytes,
    check: (options = {}) => checkRows(session, collections, rows, options),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}
