import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import pkg from '../../package.json' with { type: 'json' }
import { formatBytes } from '../lib/units.ts'
import type { Manifest } from '../services/backup.ts'
import { type AddCommand, environment, type Io } from './command.ts'
import { write, writeJson } from './output.ts'
import { example } from './up.ts'

/** Copies of all data, and folders without their free pages. */
export const addBackup: AddCommand = (program, io) => {
  program
    .command('backup')
    .description('copy all data into a new folder, while everything runs')
    .argument('<folder>', 'where to; it must not be there yet, or be empty')
    .addHelpText('after', example('headwater backup /backup/headwater-2026-01-31'))
    .action(async (folder: string, _, command) => {
      const env = await environment(command, io)
      const { dataFolders } = await import('../app.ts')
      const { backUp } = await import('../services/backup.ts')
      const told = await backUp({
        folders: await dataFolders(env),
        to: folder,
        version: pkg.version,
        now: Date.now(),
        onFile: telling(io, env.json),
      })
      if (env.json) await writeJson(io, { folder: resolve(folder), ...told })
      else await write(io, `backed up to ${resolve(folder)}; \`headwater restore\` puts it back\n`)
    })

  program
    .command('restore')
    .description('put a backup where there is no data yet')
    .argument('<folder>', 'a folder that `headwater backup` has written')
    .addHelpText('after', example('headwater restore /backup/headwater-2026-01-31 --data ./data'))
    .action(async (folder: string, _, command) => {
      const env = await environment(command, io)
      const { dataFolders } = await import('../app.ts')
      const { restore } = await import('../services/backup.ts')
      const folders = await dataFolders(env)
      const told = await restore({ folders, from: folder, onFile: telling(io, env.json) })
      if (env.json) await writeJson(io, { dataDir: env.config.dataDir, ...told })
      else await write(io, `restored what there was at ${told.at}; \`headwater audit\` proves it\n`)
    })

  program
    .command('compact')
    .description('give back to the disk what the data files no longer need, while nothing runs')
    .addHelpText('after', example('headwater compact'))
    .action(async (_, command) => {
      const env = await environment(command, io)
      const { dataFolders } = await import('../app.ts')
      const { compactLmdb } = await import('../lib/lmdb-copy.ts')
      const done = []
      for (const { what, path } of await dataFolders(env)) {
        const before = await sizeOf(path)
        if (before === undefined) continue
        await compactLmdb(path)
        const after = await sizeOf(path)
        done.push({ what, path, before, after })
        if (!env.json) await write(io, `${what}: ${formatBytes(before)}, now ${formatBytes(after ?? 0)}\n`)
      }
      if (env.json) await writeJson(io, { compacted: done })
    })
}

function telling({ stderr }: Io, json: boolean): (file: Manifest['files'][number]) => void {
  return ({ what, bytes }) => void (json || stderr.write(`${what}: ${formatBytes(bytes)}\n`))
}

/** Undefined where there is nothing yet. */
async function sizeOf(folder: string): Promise<number | undefined> {
  return stat(join(folder, 'data.mdb')).then(
    ({ size }) => size,
    () => undefined,
  )
}
