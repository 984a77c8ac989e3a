import type { Command } from 'commander'
import { type AddCommand, environment } from './command.ts'
import { write, writeJson } from './output.ts'
import { example } from './up.ts'

/** Creates what queue, store and registry need. */
export const addProvision: AddCommand = (program, io) => {
  program
    .command('provision')
    .description('create topics, groups, tables and indexes; safe to repeat')
    .option(
      '--topic <name>',
      'one more topic, for `replay --to-topic`; may be given several times',
      collect,
      [],
    )
    .addHelpText(
      'after',
      example('headwater provision -c headwater.yaml', 'headwater provision --topic replay-2026'),
    )
    .action(async ({ topic }: { topic: readonly string[] }, command: Command) => {
      const env = await environment(command, io)
      const { provision } = await import('../app.ts')
      const done = await provision(env, topic)
      if (env.json) return writeJson(io, { provisioned: done })
      for (const name of done) await write(io, `${name} is ready\n`)
    })
}

const collect = (name: string, names: readonly string[]): readonly string[] => [...names, name]
