import type { Command } from 'commander'
import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'
import { formatCount } from '../lib/units.ts'
import type { Candidate } from '../presets/candidate.ts'
import type { Rules } from '../review/interpret.ts'
import type { Grouped, Outcome } from '../services/what-if.ts'
import type { Stored } from '../stores/store.ts'
import { type AddCommand, environment, type Io } from './command.ts'
import { openRegistry, openStore } from './open.ts'
import { excerpt, table, write, writeJson } from './output.ts'
import { type Selection, scanOf, select } from './records.ts'
import { example } from './up.ts'

interface TryOptions extends Selection {
  readonly since?: string
  readonly preset?: string
}

/** Tells what another schema, or another preset, would make of what is stored. */
export const addSchema: AddCommand = (program, io) => {
  const family = program.command('schema').description('the schema of a review: try another one')

  select(
    family
      .command('try')
      .description(
        'what a schema or preset would newly reject and rescue of what is stored; nothing is changed',
      )
      .argument(
        '<file>',
        'a JSON Schema of a review (2020-12), or a preset: its name, or the path of one in YAML',
      )
      .option('--since <time>', 'the same as --from'),
  )
    .option('--preset <name>', 'with a schema: the preset, where the config no longer has the source')
    .addHelpText(
      'after',
      example(
        'headwater schema try stricter.schema.json --since 7d',
        'headwater schema try ./mine.yaml --source partner --json',
      ),
    )
    .action(async (file: string, options: TryOptions, command: Command) => {
      const env = await environment(command, io)
      const { readCandidate } = await import('../presets/candidate.ts')
      const { whatIf } = await import('../services/what-if.ts')
      const candidate = await readCandidate(file)
      const selection = withSince(options)
      const scan = scanOf(selection)
      const { source } = selection
      await using store = await openStore(env)
      const outcome = await whatIf({
        store,
        select: { ...scan, where: (row) => source === undefined || row.received.context.source === source },
        rules: await rulesToTry(candidate, options, env),
        signal: io.signal,
        ...(!env.json && io.stderr.isTTY && { onPage: (so) => progress(so, io) }),
      })
      io.signal.throwIfAborted()
      if (env.json)
        await writeJson(io, { candidate: { kind: candidate.kind, name: candidate.name }, ...outcome })
      else await tell(candidate, outcome, io)
    })
}

function withSince({ since, ...selection }: TryOptions): Selection {
  if (since === undefined) return selection
  if (selection.from === undefined) return { ...selection, from: since }
  throw new HeadwaterError('USAGE', 'expected --since or --from, which are the same, found both')
}

/**
 * Of a schema, the rules of today with it in place of the one in force. A preset is tried on what a preset of its name has
 * judged, or on all of the source that is named.
 */
async function rulesToTry(
  candidate: Candidate,
  { source, preset }: TryOptions,
  env: Environment,
): Promise<(record: Stored) => Promise<Rules | undefined>> {
  const { openRules } = await import('../app.ts')
  await using registry = await openRegistry(env)
  if (candidate.kind === 'schema') {
    const { validator } = candidate
    const rulesFor = await openRules(env, registry, preset)
    return async (record) => {
      const rules = await rulesFor(record)
      return { ...rules, validator, versions: { ...rules.versions, schema: validator.version } }
    }
  }
  const isMeant = ({ verdict }: Stored): boolean =>
    source !== undefined || verdict.by.preset.startsWith(`${candidate.preset.name}@`)
  const rulesFor = await openRules(env, registry, candidate.place)
  return async (record) => (isMeant(record) ? rulesFor(record) : undefined)
}

function progress({ looked, newlyRejected, rescued }: Outcome, { stderr }: Io): void {
  const [rejects, rescues] = [newlyRejected.count, rescued.count].map((count) => formatCount(count))
  stderr.write(`\r${formatCount(looked)} looked at, ${rejects} newly rejected, ${rescues} rescued\u001b[K`)
}

async function tell(candidate: Candidate, outcome: Outcome, io: Io): Promise<void> {
  if (io.stderr.isTTY) io.stderr.write('\r\u001b[K')
  const { looked, accepted, rejected, newlyRejected, rescued, changed } = outcome
  if (looked === 0) {
    const hint =
      candidate.kind === 'preset'
        ? ` that a preset ${candidate.preset.name} has judged; --source tries it on all of a source`
        : ''
    await write(io, `there is no record${hint}\n`)
    return
  }
  await write(
    io,
    `would newly reject ${formatCount(newlyRejected.count)} of ${formatCount(accepted, 'accepted record')}${listed(newlyRejected)}` +
      `would rescue ${formatCount(rescued.count)} of ${formatCount(rejected, 'dead letter')}${listed(rescued)}`,
  )
  if (candidate.kind === 'schema') return
  const fields = Object.entries(changed.fields).map(
    ([name, count]) => `${excerpt(name, 40)} ${formatCount(count)}`,
  )
  await write(
    io,
    `would read ${formatCount(changed.count)} accepted reviews differently${fields.length > 0 ? `: ${fields.join(', ')}` : ''}\n`,
  )
}

/** A person reads so many clusters at once. */
const SHOWN = 20

function listed({ clusters, unlisted }: Grouped): string {
  if (clusters.length === 0) return '\n'
  const rows = clusters
    .slice(0, SHOWN)
    .map(({ count, source, code, message, sample }) => [
      `  ${formatCount(count)}`,
      excerpt(source, 20),
      excerpt(code, 40),
      excerpt(message, 100),
      sample,
    ])
  const more = clusters.length - rows.length
  const several = clusters.length === 1 ? 'this cluster' : `these ${formatCount(clusters.length)} clusters`
  const rest =
    (more > 0 ? `  and ${formatCount(more, 'cluster')} more; --json shows them\n` : '') +
    (unlisted > 0 ? `  and ${formatCount(unlisted)} in clusters that were too many to list\n` : '')
  return `, in ${several}:\n${table(rows)}${rest}`
}
