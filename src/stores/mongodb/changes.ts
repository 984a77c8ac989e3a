import type { Collection } from 'mongodb'
import type { Cancellable } from '../../batch.ts'
import { HeadwaterError } from '../../errors.ts'
import type { Verdict } from '../../review/verdict.ts'
import type { Session } from './connect.ts'
import { deadLetterBytesOf } from './dead-letters.ts'
import type { RawParts } from './raw.ts'
import { encodeVerdict, type Row } from './row.ts'

const KEYS_A_COMMAND = 1_000
const LENGTHS = { projection: { rawLength: 1 }, batchSize: KEYS_A_COMMAND } as const

/** Everything that happens to rows after they were stored. `onDeadLetters` hears how many bytes more dead letters have then. */
export function openChanges(
  { ask }: Session,
  rows: Collection<Row>,
  parts: RawParts,
  onDeadLetters: (bytesMore: number) => void,
) {
  /** The row and its entries in all indexes change together. */
  async function amend(
    key: string,
    revision: number,
    verdict: Verdict,
    options: Cancellable,
  ): Promise<boolean> {
    const fields = await encodeVerdict(verdict)
    if (fields === undefined)
      throw new HeadwaterError(
        'STORE_REFUSED',
        `${key}: the new verdict is more than a document of MongoDB holds beside raw`,
      )
    const { set, unset } = splitFields(fields)
    const change = { $set: { ...set, revision: revision + 1 }, ...(unset !== undefined && { $unset: unset }) }
    const before = await ask(
      () =>
        rows.findOneAndUpdate({ _id: key, revision }, change, { projection: { status: 1, rawLength: 1 } }),
      options,
    )
    if (before === null) return false
    const { status, rawLength } = before
    onDeadLetters(deadLetterBytesOf(verdict.status, rawLength) - deadLetterBytesOf(status, rawLength))
    return true
  }

  /** First the rows, so that nobody finds one that lacks a part; those that were put meanwhile may, and go as well. */
  async function erase(keys: readonly string[], options: Cancellable): Promise<void> {
    for (let first = 0; first < keys.length; first += KEYS_A_COMMAND) {
      const some = keys.slice(first, first + KEYS_A_COMMAND)
      const dead = await ask(
        () => rows.find({ _id: { $in: some }, status: 'rejected' }, LENGTHS).toArray(),
        options,
      )
      await ask(() => rows.deleteMany({ _id: { $in: some } }), options)
      onDeadLetters(-dead.reduce((sum, { rawLength }) => sum + rawLength, 0))
      const late = { _id: { $in: some }, rawAs: 'parts' } as const
      do await parts.removeAll(some, options)
      while ((await ask(() => rows.deleteMany(late), options)).deletedCount > 0)
    }
  }

  return { amend, erase }
}

/** What the new verdict has, and what it has not. */
function splitFields(fields: object): {
  readonly set: object
  readonly unset: Record<string, ''> | undefined
} {
  const entries = Object.entries(fields)
  const absent = entries.filter(([, value]) => value === undefined).map(([name]) => [name, ''] as const)
  return {
    set: Object.fromEntries(entries.filter(([, value]) => value !== undefined)),
    unset: absent.length > 0 ? Object.fromEntries(absent) : undefined,
  }
}
