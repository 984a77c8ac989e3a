// Sets up what is missing and runs a command with the right Node and the tools of the clone: node bin/run.js tsc
import { spawn } from 'node:child_process'
import { endLike, ended } from './child.js'
import { ensure, giveUp, SetupError } from './setup.js'

async function run([command, ...args]) {
  if (!command) throw new SetupError('which command? For example: node bin/run.js node --version')
  const { env } = await ensure()
  return ended(spawn(command, args, { env, stdio: 'inherit' }))
}

await run(process.argv.slice(2)).then(endLike, giveUp)
