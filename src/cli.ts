import { Command } from 'commander'
import pkg from '../package.json' with { type: 'json' }
import { addAudit } from './commands/audit.ts'
import { addBackup } from './commands/backup.ts'
import { ABORTED, type Io } from './commands/command.ts'
import { addChanges } from './commands/changes.ts'
import { addCompletion } from './commands/completion.ts'
import { addCopy } from './commands/copy.ts'
import { addConfig } from './commands/config.ts'
import { addDlq } from './commands/dlq.ts'
import { tellFailure } from './commands/failure.ts'
import { addGroups } from './commands/groups.ts'
import { addImport } from './commands/import.ts'
import { addJobs } from './commands/jobs.ts'
import { addPresets } from './commands/presets.ts'
import { addProvision } from './commands/provision.ts'
import { addReplay } from './commands/replay.ts'
import { addReviews } from './commands/reviews.ts'
import { addSchema } from './commands/schema.ts'
import { addSimulate } from './commands/simulate.ts'
import { addSources } from './commands/sources.ts'
import { addTail } from './commands/tail.ts'
import { addConsole, addIngest, addStore, addUp } from './commands/up.ts'
import { HeadwaterError } from './errors.ts'

const COMMANDS = [
  addUp,
  addIngest,
  addStore,
  addConsole,
  addImport,
  addReviews,
  addDlq,
  addJobs,
  addTail,
  addSources,
  addGroups,
  addAudit,
  addChanges,
  addConfig,
  addPresets,
  addSchema,
  addProvision,
  addReplay,
  addBackup,
  addCopy,
  addSimulate,
  addCompletion,
]

/** After so many signals the process ends, whatever it is doing. */
const PATIENCE = 2
const ending = new AbortController()
let told = 0
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(signal))
// Whoever writes is told when it fails; a log line that can't be written ends nothing.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
process.on('uncaughtException', (error) => process.exit(tellFailure(error, io)))

const io: Io = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: ending.signal,
  exitCode: 0,
}

function commandLine(): Command {
  const program = new Command('headwater')
    .description('Ingests product reviews in real time: nothing lost, nothing invented, nothing altered.')
    .version(pkg.version)
    .option('-c, --config <file>', 'the config; ./headwater.yaml is used where it is there')
    .option('--data <dir>', 'the folder of the embedded queue and store (default: ./data)')
    .option('--json', 'machine-readable output')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride()
  for (const add of COMMANDS) add(program, io)
  return program
}

try {
  await commandLine().parseAsync()
  process.exitCode = io.exitCode
} catch (error) {
  process.exitCode = tellFailure(error, io)
}

/** A command that only reads ends at the first signal; a pipeline ends gently, and at once at the second. */
function end(signal: NodeJS.Signals): void {
  ending.abort(new HeadwaterError('ABORTED', `told to stop by ${signal}`))
  if (++told > PATIENCE) process.exit(ABORTED)
}
