import { hash } from 'node:crypto'
import { mergePages, regroup } from '../merging.ts'
import type { Options, Session } from './connect.ts'

const SHARDS = 16

/** The first digit of the name's SHA-256. */
export const shardOfName = (name: string): number =>
  Number.parseInt(hash('sha256', name, 'hex').slice(0, 1), SHARDS)

/** The names with a prefix in the order of their bytes, in groups of so many. */
export async function* namesFrom(
  session: Session,
  prefix: string,
  size: number,
  options: Options,
): AsyncGenerator<readonly string[]> {
  const shards = Array.from({ length: SHARDS }, (_, shard) => namesOf(session, shard, prefix, size, options))
  const names = mergePages(shards, ({ bytes: a }, { bytes: b }) => Buffer.compare(a, b))
  for await (const group of regroup(names, () => size)) yield group.map(({ name }) => name)
}

interface Name {
  readonly name: string
  readonly bytes: Buffer
}

async function* namesOf(
  session: Session,
  shard: number,
  prefix: string,
  size: number,
  options: Options,
): AsyncGenerator<readonly Name[]> {
  let condition = 'name >= ?'
  for (let from = prefix; ; ) {
    const query = `SELECT name FROM registry_names WHERE shard = ? AND ${condition} LIMIT ${size}`
    const page = (await session.run(query, [shard, from], options)).map((row) => row['name'] as string)
    const wanted = page.filter((name) => name.startsWith(prefix))
    yield wanted.map((name) => ({ name, bytes: Buffer.from(name) }))
    if (page.length < size || wanted.length < page.length) return
    condition = 'name > ?'
    from = page.at(-1) ?? ''
  }
}
