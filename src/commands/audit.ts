import { join } from 'node:path'
import { formatCount } from '../lib/units.ts'
import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'
import { isGenuine } from '../review/genuine.ts'
import type { Damage } from '../stores/store.ts'
import { type AddCommand, environment, FAILED, type Io } from './command.ts'
import { openRegistry, openStore } from './open.ts'
import { write, writeJson } from './output.ts'
import { example } from './up.ts'

const NAMED = 100

/** What an audit has found. */
interface Audit {
  /** When it ended. */
  readonly at: string
  readonly records: number
  readonly bytes: number
  readonly problems: readonly Damage[]
  /** Records of redrives that ended in between, or are under way. */
  readonly unpublished: readonly string[]
}

/** Proves that what is stored is what was received. */
export const addAudit: AddCommand = (program, io) => {
  program
    .command('audit')
    .description(
      'check every record against the hash of what was received, and the indexes against the records',
    )
    .addHelpText('after', example('headwater audit', 'headwater audit --json'))
    .action(async (_, command) => {
      const env = await environment(command, io)
      const damagedFiles = await damagedBesideStore(env)
      const ofStore = await auditStore(env, io.signal)
      const audit = { ...ofStore, problems: [...damagedFiles, ...ofStore.problems] }
      if (audit.problems.length > 0) io.exitCode = FAILED
      try {
        await tell(audit, env.json, io)
      } finally {
        await keep(audit, env, io)
      }
    })
}

/** What is wrong with the files of an embedded queue and registry. The store looks at its own. */
async function damagedBesideStore(env: Environment): Promise<readonly Damage[]> {
  const { localFolders } = await import('../app.ts')
  const { faultIn } = await import('../lib/lmdb-file.ts')
  return (await localFolders(env)).flatMap(({ what, path }) => {
    const file = join(path, 'data.mdb')
    const fault = what === 'store' ? undefined : faultIn(file, 'all')
    return fault === undefined ? [] : [{ problem: `${file}: ${fault}`, keys: [] }]
  })
}

async function auditStore(env: Environment, signal: AbortSignal): Promise<Audit> {
  const problems: Damage[] = []
  const unpublished: string[] = []
  let records = 0
  let bytes = 0
  try {
    await using store = await openStore(env)
    for await (const found of store.check?.({ signal }) ?? []) problems.push(found)
    if (problems.length === 0) {
      for await (const page of store.scan({ by: 'time', signal })) {
        for (const { key, rawHash, received, verdict } of page.records) {
          records++
          if (verdict.unpublished) unpublished.push(key)
          bytes += received.raw.length
          if (!isGenuine({ received, rawHash })) problems.push({ problem: 'altered', keys: [key] })
        }
      }
    }
  } catch (error) {
    if (!(error instanceof HeadwaterError) || error.code !== 'DATA_CORRUPT') throw error
    problems.push({ problem: error.message, keys: [] })
  }
  return { at: new Date().toISOString(), records, bytes, problems, unpublished }
}

async function tell({ records, bytes, problems, unpublished }: Audit, json: boolean, io: Io): Promise<void> {
  const ok = problems.length === 0
  if (json) return writeJson(io, { ok, records, bytes, problems, unpublished })
  for (const { problem, keys } of problems) await write(io, `${problem}${named(keys)}\n`)
  const looked = `${formatCount(records, 'record')}, ${formatCount(bytes, 'byte')} of raw`
  const found = formatCount(problems.length, 'problem')
  await write(io, ok ? `${looked}: all as received\n` : `${found}\n`)
  if (unpublished.length === 0) return
  const owed = `mended, but not published yet${named(unpublished)}`
  await write(io, `${owed}\nwhere no job is at it, \`headwater dlq redrive KEY\` publishes it\n`)
}

function named(keys: readonly string[]): string {
  const more = keys.length > NAMED ? ` and ${keys.length - NAMED} more` : ''
  return keys.length === 0 ? '' : `: ${keys.slice(0, NAMED).join(' ')}${more}`
}

/** The console tells when all was proven last. What was found is no less true where nobody can note it. */
async function keep({ at, records, bytes, problems }: Audit, env: Environment, io: Io): Promise<void> {
  const { noteProof } = await import('../services/proof.ts')
  const proof = { at, ok: problems.length === 0, records, bytes, problems: problems.length }
  try {
    await using registry = await openRegistry(env)
    await noteProof(registry, proof, { signal: io.signal })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    io.exitCode = FAILED
    io.stderr.write(
      `the registry did not take a note of this, so that the console will not tell of it: ${reason}\n`,
    )
  }
}
