import type { Command } from 'commander'
import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'
import { createRepair, type Step } from '../review/repair.ts'
import { type AddCommand, environment, FAILED, type Io, parseCount } from './command.ts'
import { makeChange } from './noted.ts'
import { openRegistry, openStore } from './open.ts'
import { addStepOptions, type StepOptions, stepsOf } from './steps.ts'
import { example } from './up.ts'
import { who } from './who.ts'

interface RepairOptions extends StepOptions {
  readonly preview?: boolean
  readonly keep?: boolean
  readonly limit?: string
  readonly preset?: string
}

/** Adds to `dlq`: how to mend the fault of a cluster, and which repairs sources keep. */
export const addDlqRepair: AddCommand = (dlq, io) => {
  addStepOptions(
    dlq
      .command('repair')
      .description(
        'how to mend the fault of a cluster: suggestions, and what steps would make of its letters',
      )
      .argument('<cluster>', 'dlq clusters lists them'),
  )
    .option('--preview', 'only show what would become of the letters, also with --keep')
    .option('--keep', 'make it a rule of the source: what arrives from then on is mended')
    .option('--limit <n>', 'look at so many letters and no further')
    .option('--preset <name>', 'the preset, where the config no longer has the source')
    .addHelpText(
      'after',
      example(
        'headwater dlq repair 9f3c…',
        'headwater dlq repair 9f3c… --parse rating=stars',
        'headwater dlq repair 9f3c… --copy /item/author/id=user_id --parse user_id=id --keep',
        'headwater dlq repair 9f3c… --default product_id=/context/carried/asin --json',
        'headwater dlq repair 9f3c… --steps steps.yaml --preview',
      ),
    )
    .action(async (cluster: string, options: RepairOptions, command: Command) => {
      const env = await environment(command, io)
      await repair(cluster, await stepsOf(options, io), options, env, io)
    })

  dlq
    .command('repairs')
    .description('list the repairs that sources keep: what they bring is mended on arrival')
    .option('--source <name>', 'of one source')
    .option('--drop <id>', 'keep it no longer; what it has mended stays mended')
    .addHelpText(
      'after',
      example(
        'headwater dlq repairs',
        'headwater dlq repairs --source rainforest-us --json',
        'headwater dlq repairs --drop 5be0a14b9d3c',
      ),
    )
    .action(async (options: KeptOptions, command: Command) => {
      const { tellKept } = await import('./dlq-repairs.ts')
      await tellKept(options, await environment(command, io), io)
    })
}

/** What `dlq repairs` is told. */
export interface KeptOptions {
  readonly source?: string
  readonly drop?: string
}

/** How many letters suggestions are tried on. */
const LOOKED_AT = 20

type Env = Environment & { readonly json: boolean }

async function repair(
  cluster: string,
  steps: readonly Step[],
  { keep = false, preview: isOnlyShown = false, limit, preset }: RepairOptions,
  env: Env,
  io: Io,
): Promise<void> {
  if (keep && steps.length === 0)
    throw new HeadwaterError('USAGE', '--keep: needs the steps, such as --parse rating=stars')
  const { openRules } = await import('../app.ts')
  const { tellPreview, tellProgress, tellSuggestions } = await import('./dlq-repair-told.ts')
  const { faultOf, lettersOf } = await import('../services/clusters.ts')
  await using store = await openStore(env)
  await using registry = await openRegistry(env)
  const rules = await openRules(env, registry, preset)
  const letters = await lettersOf(store, cluster, { most: LOOKED_AT, signal: io.signal })
  const fault = faultOf(letters[0])
  if (steps.length === 0) {
    const { suggest } = await import('../presets/suggest.ts')
    const judged = await Promise.all(letters.map(async (record) => ({ record, rules: await rules(record) })))
    return await tellSuggestions({ cluster, fault, suggestions: suggest(fault, judged) }, env.json, io)
  }
  const { preview } = await import('../services/preview.ts')
  const mending = createRepair(fault, steps)
  const found = await preview({
    store,
    cluster,
    repair: mending,
    rules,
    signal: io.signal,
    ...(limit !== undefined && { limit: parseCount(limit, '--limit') }),
    ...(!env.json && { onProgress: (counts) => tellProgress(counts, io) }),
  })
  const isKept = keep && !isOnlyShown && found.pass > 0
  if (isKept) {
    const { keptRepairs } = await import('../services/repairs.ts')
    const about = { by: who(), at: new Date().toISOString() }
    for (const source of found.sources) {
      const change = { what: 'keep repair', about: `source ${source}`, details: { cluster, ...mending } }
      await makeChange(registry, change, () => keptRepairs(registry).keep(source, mending, about))
    }
  }
  if (found.pass === 0) io.exitCode = FAILED
  await tellPreview({ cluster, repair: mending, kept: isKept, ...found }, { ...env, keep }, io)
}
