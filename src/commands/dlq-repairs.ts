import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'
import { keptRepairs, type KeptRepairs } from '../services/repairs.ts'
import type { Registry } from '../stores/registry.ts'
import type { Io } from './command.ts'
import type { KeptOptions } from './dlq-repair.ts'
import { makeChange } from './noted.ts'
import { openRegistry } from './open.ts'
import { excerpt, table, write, writeJson } from './output.ts'
import { optionsOf } from './steps.ts'

/** Lists the repairs that sources keep, or drops one of them. */
export async function tellKept(
  { source, drop }: KeptOptions,
  env: Environment & { readonly json: boolean },
  io: Io,
): Promise<void> {
  await using registry = await openRegistry(env)
  const kept = keptRepairs(registry)
  if (drop !== undefined) {
    const dropped = await dropKept(drop, source, kept, registry)
    if (env.json) await writeJson(io, { source: dropped, id: drop, dropped: true })
    else await write(io, `${drop} is no longer kept; what it has mended stays mended\n`)
    return
  }
  const repairs = await kept.list(source)
  if (env.json) {
    for (const repair of repairs) await writeJson(io, repair)
    return
  }
  if (repairs.length === 0)
    io.stderr.write('no source keeps a repair: `headwater dlq repair … --keep` does\n')
  else {
    const rows = repairs.map(({ source: name, id, mends, steps, at, by }) => [
      id,
      excerpt(name, 40),
      `${mends.pointer} ${mends.keyword}`,
      excerpt(optionsOf(steps) ?? JSON.stringify(steps), 80),
      at.slice(0, 10),
      excerpt(by, 40),
    ])
    await write(io, table([['repair', 'source', 'mends', 'steps', 'since', 'by'], ...rows]))
  }
}

/** Resolves to the source that kept it. */
async function dropKept(
  id: string,
  source: string | undefined,
  kept: KeptRepairs,
  registry: Registry,
): Promise<string> {
  const [found, ...more] = (await kept.list(source)).filter((repair) => repair.id === id)
  if (more.length > 0)
    throw new HeadwaterError('USAGE', `--drop: several sources keep ${id}: say which with --source`)
  if (found === undefined) throw notKept(id)
  const change = { what: 'drop repair', about: `source ${found.source}`, details: { id } }
  await makeChange(registry, change, async () => {
    if (!(await kept.drop(found.source, id))) throw notKept(id)
  })
  return found.source
}

const notKept = (id: string): HeadwaterError =>
  new HeadwaterError('NOT_FOUND', `no repair ${id} is kept: \`headwater dlq repairs\` lists them`)
