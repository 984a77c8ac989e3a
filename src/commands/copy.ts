import { hash } from 'node:crypto'
import type { Command } from 'commander'
import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'
import { formatCount } from '../lib/units.ts'
import type { Copied } from '../services/copy.ts'
import { type AddCommand, environment, FAILED, type Io } from './command.ts'
import { openRegistry, openStore } from './open.ts'
import { writeJson } from './output.ts'
import { patiently } from './patiently.ts'
import { example } from './up.ts'

const NAMED = 100

/** From one store to another, of whatever kind. */
export const addCopy: AddCommand = (program, io) => {
  program
    .command('copy')
    .description('copy all records and the registry into the store of another config, and compare them')
    .requiredOption('--to <file>', 'the config whose store and registry they go to')
    .addHelpText(
      'after',
      `${example('headwater copy --to mongodb.yaml', 'headwater copy -c old.yaml --to new.yaml --json')}
Stop what writes to the old store first, and start what is to write to the new one afterwards. A copy that was cut off goes on
where it was; one that is repeated brings over what changed since.
`,
    )
    .action(async ({ to }: { to: string }, command: Command) => {
      const env = await environment(command, io)
      const { load } = await import('../config/load.ts')
      const { copyAll } = await import('../services/copy.ts')
      const other = { ...env, config: await load({ path: to, env: io.env }) }
      if (placeOf(env) === placeOf(other))
        throw new HeadwaterError('USAGE', `--to: ${to} names the very store that is copied from`)
      await using from = await openPlace(env)
      await using into = await openPlace(other)
      const copied = await copyAll({
        from,
        into,
        name: hash('sha256', placeOf(env), 'hex').slice(0, 16),
        signal: io.signal,
        patiently: patiently(io),
        ...(!env.json && { onPage: (progress) => tellProgress(progress, io) }),
      })
      await tell(copied, env.json, io)
    })
}

async function openPlace(env: Environment) {
  await using opened = new AsyncDisposableStack()
  const store = opened.use(await openStore(env))
  const registry = opened.use(await openRegistry(env))
  const resources = opened.move()
  return { store, registry, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

const placeOf = ({ config: { store, dataDir } }: Environment): string => JSON.stringify([store, dataDir])

function tellProgress({ copied, verified }: { copied: number; verified: number }, { stderr }: Io): void {
  if (stderr.isTTY) stderr.write(`\r${formatCount(copied)} copied, ${formatCount(verified)} compared\u001b[K`)
}

async function tell(copied: Copied, json: boolean, io: Io): Promise<void> {
  const { problems, conflicts, ...counts } = copied
  const ok = problems.length === 0 && conflicts.length === 0
  if (!ok) io.exitCode = FAILED
  if (json) return writeJson(io, { ok, ...counts, conflicts, problems })
  if (io.stderr.isTTY) io.stderr.write('\r\u001b[K')
  for (const { key, problem } of problems.slice(0, NAMED)) io.stdout.write(`${key} ${problem}\n`)
  for (const name of conflicts.slice(0, NAMED)) io.stdout.write(`registry: ${name} has another value\n`)
  io.stdout.write(`${summaryOf(copied)}\n`)
}

function summaryOf({ records, stored, entries, problems, conflicts }: Copied): string {
  if (problems.length > 0)
    return `${formatCount(problems.length, 'problem')}: repeat the copy once nothing writes to the old store; the registry is copied then`
  const copied = `copied ${formatCount(records, 'record')}, ${formatCount(stored)} of them new`
  if (conflicts.length > 0)
    return `${copied}; all are there, byte for byte. The registry there is in use, and was left alone: go on with it as it is, or copy into an empty store before anything else writes there`
  return `${copied}, and a registry of ${formatCount(entries)}; all are there, byte for byte`
}
