import type { Command } from 'commander'
import { type AddCommand, environment, type Io } from './command.ts'
import { write, writeJson } from './output.ts'
import { example } from './up.ts'

/** Looks at the configuration. */
export const addConfig: AddCommand = (program, io: Io) => {
  const config = program.command('config').description('check and show the configuration')

  config
    .command('check')
    .description('tell every problem at once, with its path')
    .addHelpText('after', example('headwater config check -c headwater.yaml'))
    .action(async (_, command: Command) => {
      const { config: found, json } = await environment(command, io)
      if (json) await writeJson(io, { ok: true, path: found.path })
      else await write(io, `${found.path ?? 'the default config'} is valid\n`)
    })

  config
    .command('print')
    .description('show what is in force, with defaults, without secrets')
    .addHelpText('after', example('headwater config print'))
    .action(async (_, command: Command) => {
      const { config: found, json } = await environment(command, io)
      const { print } = await import('../config/print.ts')
      const yaml = await print(found)
      if (!json) return write(io, yaml)
      const { parse } = await import('yaml')
      await writeJson(io, parse(yaml))
    })

  config
    .command('schema')
    .description('the JSON Schema of the config file, for editors')
    .addHelpText('after', example('headwater config schema > headwater.schema.json'))
    .action(async () => {
      const { jsonSchema } = await import('../config/print.ts')
      await writeJson(io, await jsonSchema(), 2)
    })
}
