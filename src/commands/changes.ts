import type { Command } from 'commander'
import { type AddCommand, environment, parseCount } from './command.ts'
import { openRegistry } from './open.ts'
import { excerpt, table, write, writeJson } from './output.ts'
import { example } from './up.ts'

/** Who did what. */
export const addChanges: AddCommand = (program, io) => {
  const changes = program
    .command('changes')
    .description('who redrove, discarded, muted, replayed or paused what, and when')

  changes
    .command('list')
    .description('list what was done, the newest first')
    .option('--limit <n>', 'at most this many', '50')
    .option('--after <id>', 'go on behind this one')
    .addHelpText('after', example('headwater changes list', 'headwater changes list --limit 1000 --json'))
    .action(
      async ({ limit, after }: { readonly limit: string; readonly after?: string }, command: Command) => {
        const env = await environment(command, io)
        const { openChanges } = await import('../services/changes.ts')
        await using registry = await openRegistry(env)
        const asked = { limit: parseCount(limit, '--limit'), ...(after !== undefined && { after }) }
        const { changes: found, after: next } = await openChanges(registry).list(asked)
        if (env.json) {
          for (const change of found) await writeJson(io, change)
          return
        }
        if (found.length === 0) io.stderr.write('nothing was changed by anybody yet\n')
        const rows = found.map(({ at, who, what, about, details }) => [
          at.slice(0, 19),
          excerpt(who, 40),
          excerpt(what, 20),
          excerpt(about, 60),
          excerpt(JSON.stringify(details), 100),
        ])
        await write(io, table(rows))
        if (next !== undefined) io.stderr.write(`there are more: --after ${next}\n`)
      },
    )
}
