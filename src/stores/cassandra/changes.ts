import { randomUUID } from 'node:crypto'
import type { Verdict } from '../../review/verdict.ts'
import type { Options, Session } from './connect.ts'
import { newVersion } from './parts.ts'
import type { Pointers } from './pointers.ts'
import { type Columns, placesOf, VERDICT_COLUMNS, verdictColumns } from './row.ts'
import type { Rows } from './rows.ts'
import { decided } from './uncertain.ts'

const UPDATE =
  'UPDATE reviews SET revision = ?, amendment = ?, ' +
  `${VERDICT_COLUMNS.map((column) => `${column} = ?`).join(', ')} WHERE key = ? IF revision = ?`

export interface Changes {
  amend(key: string, revision: number, verdict: Verdict, options: Options): Promise<boolean>
  erase(key: string, options: Options): Promise<void>
}

/**
 * What happens to rows after they were stored: lightweight transactions. Pointers to what will be come before the change, those to
 * what was go after it, and only as they were before it began: somebody may need them again meanwhile.
 */
export function openChanges(session: Session, rows: Rows, pointers: Pointers): Changes {
  async function amend(key: string, revision: number, verdict: Verdict, options: Options): Promise<boolean> {
    const row = await rows.find(key, options)
    const stored = row && (await rows.complete(row, options))
    if (!row || stored?.revision !== revision) return false
    const at = await session.now(options)
    const version = newVersion()
    const amendment = randomUUID()
    const places = placesOf({ ...stored, verdict })
    const { columns, large } = verdictColumns(verdict, version)
    await rows.parts.write(key, version, large, options)
    await pointers.add([places], options)
    const values = VERDICT_COLUMNS.map((column) => columns[column] ?? null)
    const isAmended = await decided(session, {
      query: UPDATE,
      params: [revision + 1, amendment, ...values, key, revision],
      options,
      async look() {
        const present = await serially(key, options)
        if (Number(present?.revision) === revision) return 'undecided'
        if (Number(present?.revision) !== revision + 1) return 'unknown'
        return String(present?.amendment) === amendment ? 'applied' : 'not applied'
      },
    })
    if (isAmended) {
      await pointers.remove(placesOf(stored), places, at, options)
      await removeVerdict(row, options)
      return true
    }
    // Somebody else was faster: the pointers that only this one had lead to nothing.
    const present = await rows.read(key, options)
    if (present) await pointers.remove(places, placesOf(present), await session.now(options), options)
    if ('verdict' in large) await rows.parts.remove(key, version, options)
    return false
  }

  async function serially(key: string, options: Options): Promise<Columns | undefined> {
    const query = 'SELECT revision, amendment FROM reviews WHERE key = ?'
    const [row] = await session.run(query, [key], { ...options, serial: true })
    return row
  }

  /** The parts of a verdict that was replaced, unless they are also those of raw or context. */
  async function removeVerdict(
    { key, parts, verdict_parts: version }: Columns,
    options: Options,
  ): Promise<void> {
    if (typeof version === 'bigint' && version !== parts)
      await rows.parts.remove(key as string, version, options)
  }

  /** The row goes first: what is left then, should this end here, leads to nothing. */
  async function erase(key: string, options: Options): Promise<void> {
    for (;;) {
      const stored = await rows.read(key, options)
      if (!stored) return
      const { revision } = stored
      const at = await session.now(options)
      const isErased = await decided(session, {
        query: 'DELETE FROM reviews WHERE key = ? IF revision = ?',
        params: [key, revision],
        options,
        look: async () =>
          Number((await serially(key, options))?.revision ?? -1) === revision ? 'undecided' : 'not applied',
      })
      if (!isErased && (await rows.find(key, options))) continue
      await rows.parts.removeAll(key, at, options)
      await pointers.remove(placesOf(stored), undefined, at, options)
      return
    }
  }

  return { amend, erase }
}
