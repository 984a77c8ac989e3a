import { hash } from 'node:crypto'
import type { Options, Session } from './connect.ts'
import { merged } from './walk.ts'

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
  let group: string[] = []
  for await (const { name } of merged(shards, ({ bytes: a }, { bytes: b }) => Buffer.compare(a, b))) {
    group.push(name)
    if (group.length < size) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
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
): AsyncGenerator<Name> {
  let condition = 'name >= ?'
  for (let from = prefix; ; ) {
    const query = `SELECT name FROM registry_names WHERE shard = ? AND ${condition} LIMIT ${size}`
    const page = (await session.run(query, [shard, from], options)).map((row) => row['name'] as string)
    for (const name of page) {
      if (!name.startsWith(prefix)) return
      yield { name, bytes: Buffer.from(name) }
    }
    if (page.length < size) return
    condition = 'name > ?'
    from = page.at(-1) ?? ''
  }
}
