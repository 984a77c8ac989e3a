import type { Command } from 'commander'
import type { SourceConfig } from '../config/schema.ts'
import { HeadwaterError } from '../errors.ts'
import { formatCount, formatDuration } from '../lib/units.ts'
import type { NextPoll } from '../sources/source.ts'
import type { Registry } from '../stores/registry.ts'
import { type AddCommand, environment, type Io, parseReason } from './command.ts'
import { type Measured, measure, short } from './measured.ts'
import { openRegistry } from './open.ts'
import { excerpt, table, write, writeJson } from './output.ts'
import type { Polled } from './polled.ts'
import { example } from './up.ts'
import { who } from './who.ts'

/** Where reviews come from, and how it goes there. */
export const addSources: AddCommand = (program, io) => {
  const sources = program.command('sources').description('where reviews come from, and how it goes there')

  sources
    .command('list')
    .description('list the sources of the config with what is saved of each')
    .addHelpText('after', example('headwater sources list', 'headwater sources list --json'))
    .action(async (_, command: Command) => list(await environment(command, io), io))

  sources
    .command('pause')
    .description('ask for nothing more and take nothing more, in every process; what is in hand is finished')
    .argument('<name>', 'a source of the config')
    .option('--reason <text>', 'why, for those who wonder', parseReason)
    .addHelpText('after', example('headwater sources pause rainforest-us --reason "quota is for the launch"'))
    .action((name: string, options: { readonly reason?: string }, command: Command) =>
      control(name, 'pause', options, command, io),
    )

  sources
    .command('resume')
    .description('go on with a source that is paused')
    .argument('<name>', 'a source of the config')
    .addHelpText('after', example('headwater sources resume rainforest-us'))
    .action((name: string, _, command: Command) => control(name, 'resume', {}, command, io))

  sources
    .command('poll')
    .description('poll every product of a source as soon as its provider and its budget allow')
    .argument('<name>', 'a source of the config')
    .addHelpText('after', example('headwater sources poll rainforest-us'))
    .action((name: string, _, command: Command) => control(name, 'poll', {}, command, io))

  sources
    .command('plan')
    .description('what polling will spend of its budget, and why: how often each product is polled')
    .option('--source <name>', 'of one source')
    .option('--product <id>', 'of one product')
    .option('--limit <n>', 'how many products are shown, those that cost most first', '20')
    .addHelpText(
      'after',
      example(
        'headwater sources plan',
        'headwater sources plan --source rainforest-us --limit 100',
        'headwater sources plan --product B0073SMYGS --json',
      ),
    )
    .action(async (options: ProductOptions, command: Command) => {
      const { tellPlans } = await import('./sources-plan.ts')
      await tellPlans(options, await environment(command, io), io)
    })

  sources
    .command('coverage')
    .description('for each product: how many reviews the provider says there are, and how many came')
    .option('--source <name>', 'of one source')
    .option('--product <id>', 'of one product')
    .option('--limit <n>', 'how many products are shown, those with the largest gap first', '100')
    .option('--count', 'count what the store has, also of more than 100 products')
    .addHelpText(
      'after',
      example(
        'headwater sources coverage',
        'headwater sources coverage --source rainforest-us --limit 5000 --count --json',
        'headwater sources coverage --product B0073SMYGS',
      ),
    )
    .action(async (options: ProductOptions & { readonly count?: boolean }, command: Command) => {
      const { tellCoverage } = await import('./sources-coverage.ts')
      await tellCoverage(options, await environment(command, io), io)
    })

  sources
    .command('drift')
    .description('what each source sends, field by field, and which fields are not what they were')
    .argument('[name]', 'one source')
    .option('--accept', 'take what has drifted for what is usual from now on')
    .addHelpText(
      'after',
      example(
        'headwater sources drift',
        'headwater sources drift partner --json',
        'headwater sources drift partner --accept',
      ),
    )
    .action(async (name: string | undefined, options: { readonly accept?: boolean }, command: Command) => {
      const { tellDrift } = await import('./sources-drift.ts')
      await tellDrift(name, options, await environment(command, io), io)
    })
}

/** Which products are meant, and how many are shown. */
export interface ProductOptions {
  readonly source?: string
  readonly product?: string
  readonly limit: string
}

type Env = Awaited<ReturnType<typeof environment>>

async function list(env: Env, io: Io): Promise<void> {
  const { controlOf } = await import('../services/control.ts')
  const { nextPollOf } = await import('../app.ts')
  await using registry = await openRegistry(env)
  const now = Date.now()
  const rows = [
    [
      'source',
      'type',
      'preset',
      'enabled',
      'checkpoints',
      'last poll',
      'next poll',
      '95 % polled within',
      'new per 100 calls',
      'paused for',
    ],
  ]
  for (const source of env.config.sources) {
    const { name, type, preset, enabled } = source
    const { checkpoints, polledAt, pausedUntil, measured } = await stateOf(source, registry, io.signal)
    const { paused } = await controlOf(registry, name, io.signal)
    const asked = { isPaused: paused, providerUntil: pausedUntil, now, signal: io.signal }
    const next = await nextPollOf(source, registry, asked)
    const pausedMs = Math.max(0, (pausedUntil ?? 0) - now)
    if (env.json) {
      const time = (at = Number.NaN): string | undefined =>
        Number.isNaN(at) ? undefined : new Date(at).toISOString()
      const times = { polledAt: time(polledAt), pausedUntil: pausedMs > 0 ? time(pausedUntil) : undefined }
      const nextPoll = next && { state: next.state, at: time(next.at) }
      await writeJson(io, { name, type, preset, enabled, paused, checkpoints, ...times, nextPoll, measured })
    } else
      rows.push([
        name,
        excerpt(type, 40),
        excerpt(preset, 40),
        enabled ? 'yes' : 'no',
        formatCount(checkpoints),
        polledAt === undefined ? '-' : `${formatDuration(Math.max(0, now - polledAt))} ago`,
        wordsOf(next, now),
        measured?.stalenessMs === undefined ? '-' : formatDuration(measured.stalenessMs.p95),
        measured?.newPer100Calls === undefined ? '-' : short(measured.newPer100Calls),
        pausedMs > 0 ? formatDuration(pausedMs) : '-',
      ])
  }
  if (env.json) return
  if (rows.length === 1) io.stderr.write('the config has no sources\n')
  else await write(io, table(rows))
}

/** When it asks next, and why not sooner. */
function wordsOf(next: NextPoll | undefined, now: number): string {
  switch (next?.state) {
    case undefined:
      return '-'
    case 'now':
    case 'paused':
      return next.state
    case 'loading':
      return 'once its products are loaded'
    case 'planned':
      return inTime(next.at, now)
    case 'budget':
      return `${inTime(next.at, now)} (budget)`
    case 'provider':
      return `${inTime(next.at, now)} (provider)`
  }
}

const inTime = (at = Number.NaN, now: number): string => `in ${formatDuration(at - now)}`

async function control(
  name: string,
  wanted: 'pause' | 'resume' | 'poll',
  options: { readonly reason?: string },
  command: Command,
  io: Io,
): Promise<void> {
  const env = await environment(command, io)
  const { changeSource } = await import('../services/control.ts')
  const source = env.config.sources.find((each) => each.name === name)
  if (!source) {
    const known = env.config.sources.map((each) => each.name).join(', ')
    throw new HeadwaterError(
      'NOT_FOUND',
      `expected a source of the config, found "${name}"; it has: ${known}`,
    )
  }
  await using registry = await openRegistry(env)
  const change = { wanted, by: who(), at: Date.now(), signal: io.signal, ...options }
  const { paused } = await changeSource(registry, source, change)
  if (env.json) return writeJson(io, { name, paused })
  const done = { pause: 'is paused', resume: 'goes on', poll: 'is polled as soon as may be' }[wanted]
  await write(io, `${name} ${done}: every process follows within seconds\n`)
}

interface State {
  readonly checkpoints: number
  readonly polledAt: number | undefined
  readonly pausedUntil: number | undefined
  /** How polling goes; undefined of what does not poll. */
  readonly measured: Measured | undefined
}

/** What the registry has of a source, whatever its type: one checkpoint, or one for each of its parts. */
async function stateOf(source: SourceConfig, registry: Registry, signal: AbortSignal): Promise<State> {
  const { name, type } = source
  const { savedFacts } = await import('../sources/http-poll/facts.ts')
  const { throttledOf } = await import('../sources/http/throttle.ts')
  const only = (await registry.get(`checkpoint/${name}`)) === undefined ? 0 : 1
  const saved: readonly Polled[] = await Array.fromAsync(savedFacts(name, { registry, signal }))
  const polledAt = saved.reduce((latest, { facts }) => Math.max(latest, facts.polledAt ?? 0), 0)
  return {
    checkpoints: only + saved.length,
    polledAt: polledAt || undefined,
    pausedUntil: (await throttledOf(name, registry))?.until,
    measured: type === 'http-poll' ? measure(await polledNow(source, saved), Date.now()) : undefined,
  }
}

/** A list of products that can't be read is told by whoever polls; until it can, all that were polled count. */
async function polledNow(source: SourceConfig, saved: readonly Polled[]): Promise<readonly Polled[]> {
  const { namedNow } = await import('./polled.ts')
  return namedNow(source, saved).catch((error: unknown) => {
    if (error instanceof HeadwaterError) return saved
    throw error
  })
}
