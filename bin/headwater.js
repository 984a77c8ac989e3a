#!/usr/bin/env node
// Plain JavaScript that Node 20 runs. In a clone it sets up what is missing; an installed package has nothing to set up.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { endLike, ended } from './child.js'
import { ensure, giveUp, isNodeNewEnough, root, SetupError } from './setup.js'

const source = join(root, 'src', 'cli.ts')
const leash = new URL('leash.js', import.meta.url).href

async function prepare() {
  if (existsSync(source)) return { cli: source, ...(await ensure()) }
  if (isNodeNewEnough) return { cli: join(root, 'dist', 'src', 'cli.js') }
  throw new SetupError(`needs Node 24 or newer; this is ${process.versions.node}.`)
}

function runApart({ node, cli }) {
  const args = ['--import', leash, cli, ...process.argv.slice(2)]
  return ended(spawn(node, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] }))
}

const prepared = await prepare().catch(giveUp)
if (isNodeNewEnough) await import(pathToFileURL(prepared.cli).href)
else endLike(await runApart(prepared))
