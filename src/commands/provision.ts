import { type AddCommand, environment } from './command.ts'
import { write, writeJson } from './output.ts'
import { example } from './up.ts'

/** Creates what queue, store and registry need. */
export const addProvision: AddCommand = (program, io) => {
  program
    .command('provision')
    .description('create topics, groups, tables and indexes; safe to repeat')
    .addHelpText('after', example('headwater provision -c headwater.yaml'))
    .action(async (_, command) => {
      const env = await environment(command, io)
      const { provision } = await import('../app.ts')
      const done = await provision(env)
      if (env.json) return writeJson(io, { provisioned: done })
      for (const name of done) await write(io, `${name} is ready\n`)
    })
}
