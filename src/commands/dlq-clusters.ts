import type { Command } from 'commander'
import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'
import { formatCount } from '../lib/units.ts'
import type { ClusterSummary } from '../services/clusters.ts'
import type { Mute } from '../services/mutes.ts'
import { type AddCommand, environment, type Io, parseReason } from './command.ts'
import { openRegistry, openStore } from './open.ts'
import { excerpt, table, write, writeJson } from './output.ts'
import { example } from './up.ts'
import { who } from './who.ts'

type Env = Environment & { readonly json: boolean }

/** Adds to `dlq`: the faults that dead letters share, and which of them are expected. */
export const addDlqClusters: AddCommand = (dlq, io) => {
  dlq
    .command('clusters')
    .description('list the faults that dead letters share, the most frequent first')
    .option('--muted', 'also those that are muted')
    .addHelpText(
      'after',
      example('headwater dlq clusters', 'headwater dlq clusters --muted', 'headwater dlq clusters --json'),
    )
    .action(async ({ muted = false }: { readonly muted?: boolean }, command: Command) =>
      tellClusters(muted, await environment(command, io), io),
    )

  dlq
    .command('mute')
    .description(
      'expect a fault: dlq clusters no longer lists it; its letters are kept and counted as before',
    )
    .argument('<cluster>', 'dlq clusters lists them')
    .requiredOption('--reason <text>', 'why', parseReason)
    .addHelpText('after', example('headwater dlq mute 9f3c… --reason "the provider knows of it"'))
    .action(async (cluster: string, { reason }: { readonly reason: string }, command: Command) => {
      const env = await environment(command, io)
      const { openMutes } = await import('../services/mutes.ts')
      await using registry = await openRegistry(env)
      const mute = await openMutes(registry).mute(checked(cluster), reason, who())
      if (env.json) await writeJson(io, { cluster, muted: mute })
      else await write(io, `the cluster ${cluster} is muted; \`headwater dlq clusters --muted\` shows it\n`)
    })

  dlq
    .command('unmute')
    .description('expect a fault no longer')
    .argument('<cluster>', 'dlq clusters --muted lists them')
    .addHelpText('after', example('headwater dlq unmute 9f3c…'))
    .action(async (cluster: string, _, command: Command) => {
      const env = await environment(command, io)
      const { openMutes } = await import('../services/mutes.ts')
      await using registry = await openRegistry(env)
      await openMutes(registry).unmute(checked(cluster), who())
      if (env.json) await writeJson(io, { cluster, muted: null })
      else await write(io, `the cluster ${cluster} is muted no longer\n`)
    })
}

function checked(cluster: string): string {
  if (/^[0-9a-f]{16}$/.test(cluster)) return cluster
  throw new HeadwaterError(
    'USAGE',
    `expected a cluster of 16 hex digits as \`headwater dlq clusters\` lists them, found "${cluster}"`,
  )
}

async function tellClusters(withMuted: boolean, env: Env, io: Io): Promise<void> {
  const { openRules } = await import('../app.ts')
  const { aboutCluster } = await import('../services/clusters.ts')
  const { openMutes } = await import('../services/mutes.ts')
  await using store = await openStore(env)
  await using registry = await openRegistry(env)
  if (store.clusters === undefined) {
    throw new HeadwaterError(
      'USAGE',
      `a store of the type ${env.config.store.type} can't list clusters: use dlq list`,
    )
  }
  const mutes = await openMutes(registry).list()
  const rulesOf = await openRules(env, registry)
  const shown: About[] = []
  let hidden = 0
  // Only what is told of each is held: there are as many as the senders choose, and their letters may be large.
  for await (const found of store.clusters({ signal: io.signal })) {
    const muted = mutes.get(found.cluster)
    if (muted && !withMuted) hidden++
    else {
      // The preset of a source that is gone may not be known any more.
      const summary = aboutCluster(found, await rulesOf(found.first).catch(() => undefined))
      if (summary) shown.push({ ...summary, ...(muted && { muted }) })
    }
  }
  shown.sort((a, b) => b.count - a.count)
  if (env.json) {
    for (const about of shown) await writeJson(io, about)
    return
  }
  const heads = ['cluster', 'letters', 'origin', 'preset', 'first', 'last', 'field', 'found', 'what is wrong']
  if (shown.length > 0) await write(io, table([heads, ...shown.map(rowOf)]))
  if (hidden > 0) io.stderr.write(`${formatCount(hidden)} muted: --muted shows them\n`)
  else if (shown.length === 0) io.stderr.write('no dead letter waits to be mended\n')
}

interface About extends ClusterSummary {
  readonly muted?: Mute
}

function rowOf(about: About): string[] {
  const { cluster, count, isMore, origin, preset, firstAt, lastAt, pointer, shape, error, muted } = about
  return [
    cluster,
    `${formatCount(count)}${isMore ? '+' : ''}`,
    excerpt(origin, 20),
    excerpt(preset, 24),
    firstAt.slice(0, 10),
    lastAt.slice(0, 10),
    pointer === '' ? '-' : excerpt(pointer, 24),
    shape === undefined ? '-' : excerpt(shape, 24),
    `${muted ? `(muted: ${excerpt(muted.reason, 40)}) ` : ''}${excerpt(error, 100)}`,
  ]
}
