import { hash } from 'node:crypto'
import { formatCount } from '../lib/units.ts'
import type { Environment } from '../app.ts'
import { TransientError } from '../errors.ts'
import type { Proof } from '../services/proof.ts'
import { type AddCommand, environment, FAILED, type Io } from './command.ts'
import { openRegistry, openStore } from './open.ts'
import { write, writeJson } from './output.ts'
import { example } from './up.ts'

const NAMED = 100

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
      await using store = await openStore(env)
      const problems: { problem: string; keys: readonly string[] }[] = []
      /** Of redrives that ended in between, or are under way. */
      const unpublished: string[] = []
      let records = 0
      let bytes = 0
      for await (const found of store.check?.({ signal: io.signal }) ?? []) problems.push(found)
      if (problems.length === 0) {
        for await (const page of store.scan({ by: 'time', signal: io.signal })) {
          for (const { key, rawHash, received, verdict } of page.records) {
            records++
            if (verdict.unpublished) unpublished.push(key)
            bytes += received.raw.length
            if (hash('sha256', received.raw, 'hex') !== rawHash)
              problems.push({ problem: 'altered', keys: [key] })
          }
        }
      }
      const ok = problems.length === 0
      const at = new Date().toISOString()
      await keep({ at, ok, records, bytes, problems: problems.length }, env, io)
      if (!ok) io.exitCode = FAILED
      if (env.json) return writeJson(io, { ok, records, bytes, problems, unpublished })
      for (const { problem, keys } of problems) await write(io, `${problem}${named(keys)}\n`)
      const looked = `${formatCount(records, 'record')}, ${formatCount(bytes, 'byte')} of raw`
      const found = formatCount(problems.length, 'problem')
      await write(io, ok ? `${looked}: all as received\n` : `${found}\n`)
      if (unpublished.length === 0) return
      const owed = `mended, but not published yet${named(unpublished)}`
      await write(io, `${owed}\nwhere no job is at it, \`headwater dlq redrive KEY\` publishes it\n`)
    })
}

function named(keys: readonly string[]): string {
  const more = keys.length > NAMED ? ` and ${keys.length - NAMED} more` : ''
  return keys.length === 0 ? '' : `: ${keys.slice(0, NAMED).join(' ')}${more}`
}

/** The console tells when all was proven last. What was found is no less true where nobody can note it. */
async function keep(proof: Proof, env: Environment, io: Io): Promise<void> {
  const { noteProof } = await import('../services/proof.ts')
  try {
    await using registry = await openRegistry(env)
    await noteProof(registry, proof, { signal: io.signal })
  } catch (error) {
    if (!(error instanceof TransientError)) throw error
    io.stderr.write(`the registry is away, so that the console will not tell of this: ${error.message}\n`)
  }
}
