import { isDeepStrictEqual } from 'node:util'
import type { Cancellable } from '../../batch.ts'
import { HeadwaterError } from '../../errors.ts'
import { isGenuine } from '../../review/genuine.ts'
import { halfOf } from '../../review/key.ts'
import { findableBy } from '../../review/verdict.ts'
import type { Damage, Stored } from '../store.ts'
import { type Collections, onePage } from './collections.ts'
import type { Session } from './connect.ts'
import type { Row } from './row.ts'
import type { Rows } from './rows.ts'

const PAGE = 200

/** Reads every row and every part. Whether the database's own indexes are whole is told by its command `validate`. */
export async function* checkRows(
  session: Session,
  { reviews, parts }: Collections,
  rows: Rows,
  options: Cancellable,
): AsyncGenerator<Damage> {
  const page = { sort: { _id: 1 }, ...onePage(PAGE) } as const

  for (let last = ''; ; ) {
    const found = await session.ask(() => reviews.find({ _id: { $gt: last } }, page).toArray(), options)
    for (const row of found) {
      const problem = await problemOf(row, rows, options)
      if (problem !== undefined) yield { problem, keys: [row._id] }
    }
    const end = found.at(-1)
    if (end === undefined) break
    last = end._id
  }

  const names = { ...page, projection: { key: 1 } }
  for (let last = ''; ; ) {
    const found = await session.ask(() => parts.find({ _id: { $gt: last } }, names).toArray(), options)
    const keys = [...new Set(found.map(({ key }) => key))]
    const owners = await session.ask(
      () =>
        reviews
          .find({ _id: { $in: keys }, rawAs: 'parts' }, { projection: { _id: 1, rawHash: 1 } })
          .toArray(),
      options,
    )
    const wanted = owners.map(({ _id, rawHash }) => `${_id}/${rawHash}/`)
    const stray = found.filter(({ _id }) => !wanted.some((name) => _id.startsWith(name)))
    if (stray.length > 0)
      yield {
        problem: 'parts of raw that no record has; a put that was cut off may leave them',
        keys: [...new Set(stray.map(({ key }) => key))],
      }
    const end = found.at(-1)
    if (end === undefined) return
    last = end._id
  }
}

async function problemOf(row: Row, rows: Rows, options: Cancellable): Promise<string | undefined> {
  try {
    const record = await rows.present(row, options)
    if (record === undefined) return undefined
    if (!isGenuine(record)) return 'altered'
    return agrees(row, record) ? undefined : 'the fields that it is found by are not those of its verdict'
  } catch (error) {
    if (error instanceof HeadwaterError && error.code.startsWith('DATA_')) return error.message
    throw error
  }
}

function agrees(row: Row, { key, verdict }: Stored): boolean {
  const found = { status: row.status, product: row.product, cluster: row.cluster, reviewKey: row.reviewKey }
  const { product, cluster } = findableBy(verdict)
  const wanted = {
    product: product?.toWellFormed(),
    cluster: cluster?.toWellFormed(),
    reviewKey: halfOf(key),
  }
  return isDeepStrictEqual(found, { status: verdict.status, ...wanted })
}
