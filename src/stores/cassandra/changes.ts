import { randomUUID } from 'node:crypto'
import type { Verdict } from '../../review/verdict.ts'
import { inParallel } from '../../lib/parallel.ts'
import type { Options, Session } from './connect.ts'
import { type Erasure, openErasures } from './erasures.ts'
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
  /** Finishes the erasures that were cut off, of whatever process. */
  finishErasures(options: Options): Promise<void>
}

/**
 * What happens to rows after they were stored: lightweight transactions. Pointers to what will be come before the change, those to
 * what was go after it, and only as they were before it began: somebody may need them again meanwhile.
 */
export function openChanges(session: Session, rows: Rows, pointers: Pointers): Changes {
  const erasures = openErasures(session)

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
    // Somebody else was faster. The pointers stay: whoever changes the row next may count on them already.
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

  /** The row goes first: what is left then leads to nothing. It is noted before, so that somebody takes it away in any case. */
  async function erase(key: string, options: Options): Promise<void> {
    for (;;) {
      const stored = await rows.read(key, options)
      if (!stored) return
      const { revision } = stored
      const erasure = { places: placesOf(stored), at: await session.now(options) }
      await erasures.note(erasure, options)
      const isErased = await decided(session, {
        query: 'DELETE FROM reviews WHERE key = ? IF revision = ?',
        params: [key, revision],
        options,
        look: async () =>
          Number((await serially(key, options))?.revision ?? -1) === revision ? 'undecided' : 'not applied',
      })
      if (!isErased && (await rows.find(key, options))) continue
      await finish(erasure, options)
      return
    }
  }

  async function finish(erasure: Erasure, options: Options): Promise<void> {
    const { places, at } = erasure
    await rows.parts.removeAll(places.key, at, options)
    await pointers.remove(places, undefined, at, options)
    await erasures.forget(erasure, options)
  }

  /** A row that is there was not erased yet, or has come again: then the next erasure of it takes all of it. */
  async function finishErasures(options: Options): Promise<void> {
    const noted = await erasures.all(options)
    await inParallel(noted, async (erasure) => {
      if (!(await rows.find(erasure.places.key, options))) await finish(erasure, options)
    })
  }

  return { amend, erase, finishErasures }
}
