// Plain JavaScript that Node 20 runs: it is what brings a newer Node.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endLike, ended } from './child.js'

/** The folder of the clone or of the installed package. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** Whether the Node that runs this can run Headwater. */
export const isNodeNewEnough = Number.parseInt(process.versions.node, 10) >= 24

const nodeVersion = '24.21.0'
const nodePackage = `node-${process.platform}-${process.arch}`
const runtime = join(root, '.runtime')
const quiet = ['--loglevel=error', '--no-audit', '--no-fund', '--no-update-notifier']
/** Without a network npm gives up within seconds, and not after minutes of silence. */
const impatient = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000']

/** What went wrong and what to do about it, for the person at the terminal. */
export class SetupError extends Error {}

/** Set-up was told to stop. */
class Stopped extends Error {
  constructor(signal) {
    super(`stopped by ${signal}`)
    this.signal = signal
  }
}

/**
 * Makes sure that this clone can run: a Node that is new enough, the packages of package-lock.json, and the console's page
 * as its sources are. Does nothing and says nothing where all are there. Two at the same time wait for each other, and what
 * was interrupted is done again.
 *
 * Resolves to the Node to use and to an environment in which it, and the tools of the clone, come first.
 */
export async function ensure() {
  const node = isNodeNewEnough ? process.execPath : join(runtime, 'node_modules', nodePackage, 'bin', 'node')
  const path = [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
  const env = { ...process.env, PATH: path }
  const steps = [...(isNodeNewEnough ? [] : [newerNode(node)]), packages(env), consolePage(node, env)]

  if (!steps.every(isDone)) {
    await alone(async (noteChild) => {
      for (const step of steps) if (!isDone(step)) await carryOut(step, noteChild)
    })
  }
  return { node, env }
}

/** For what `ensure` rejects with: tells the person and ends this process. */
export function giveUp(error) {
  if (error instanceof Stopped) endLike(error)
  else console.error(error instanceof SetupError || error.syscall ? `headwater: ${error.message}` : error)
  process.exit(1)
}

function newerNode(node) {
  return {
    title: `Installing Node ${nodeVersion} into .runtime, since this is Node ${process.versions.node} (once, 190 MB)`,
    stamp: join(runtime, 'node_modules', '.installed'),
    version: `${nodePackage}@${nodeVersion}`,
    command: npm(
      'install',
      '--no-save',
      '--no-package-lock',
      '--prefix',
      runtime,
      `${nodePackage}@${nodeVersion}`,
    ),
    // A half-installed Node must not be what runs npm.
    env: process.env,
    before() {
      if (!/^node-(linux|darwin)-(x64|arm64)$/.test(nodePackage)) throw new SetupError(noNodeHere)
    },
    async after() {
      const { code } = await ended(spawn(node, ['--version'], { stdio: 'ignore' })).catch(() => ({ code: 1 }))
      if (code !== 0) throw new SetupError(noNodeHere)
    },
  }
}

const noNodeHere =
  `Headwater needs Node 24 or newer, this is ${process.versions.node}, and npm has none that runs on this system ` +
  `(${process.platform}, ${process.arch}). Please install Node 24 and run the command again.`

function packages(env) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  return {
    title: 'Installing the packages of package-lock.json (npm ci)',
    stamp: join(root, 'node_modules', '.installed'),
    version: `${process.platform}-${process.arch} ${lock}`,
    command: npm('ci', '--ignore-scripts', '--include=dev', '--include=optional', '--prefix', root),
    env,
  }
}

/** The page is built again when one of the files that it is built from has changed. */
function consolePage(node, env) {
  const page = join(root, 'src', 'console', 'page')
  const files = [
    'package-lock.json',
    'vite.config.ts',
    'schemas/review.schema.json',
    'src/presets/parsers.ts',
    ...readdirSync(page, { recursive: true })
      .sort()
      .map((file) => join('src', 'console', 'page', file)),
  ]
  const digest = createHash('sha256')
  for (const file of files) {
    if (statSync(join(root, file)).isFile()) digest.update(`${file}\0`).update(readFileSync(join(root, file)))
  }
  return {
    title: 'Building the page of the console',
    stamp: join(root, 'dist', 'console', '.built'),
    version: digest.digest('hex'),
    command: [
      node,
      join(root, 'node_modules', 'vite', 'bin', 'vite.js'),
      'build',
      '--configLoader',
      'native',
    ],
    env,
  }
}

const npm = (...args) => ['npm', ...args, ...quiet, ...impatient]

/** A stamp is written last, so that an interrupted step is not taken for a finished one. */
function isDone({ stamp, version }) {
  try {
    return readFileSync(stamp, 'utf8') === version
  } catch (error) {
    if (error.code === 'ENOENT') return false
    throw error
  }
}

async function carryOut(step, noteChild) {
  step.before?.()
  console.error(`${step.title} ...`)
  rmSync(step.stamp, { force: true })
  await run(step.command, step.env, noteChild)
  await step.after?.()
  writeFileSync(step.stamp, step.version)
}

async function run([program, ...args], env, noteChild) {
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk))
  if (child.pid) noteChild(child.pid)
  const { code, signal, told } = await ended(child).catch((error) => {
    if (error.code !== 'ENOENT') throw error
    throw new SetupError(
      'npm was not found. It comes with Node; on Debian and Ubuntu it is the package "npm".',
    )
  })
  if (told) throw new Stopped(told)
  if (code === 0) return
  const said = Buffer.concat(output).toString().trim() || '(nothing)'
  throw new SetupError(
    `${[program, ...args].slice(0, 3).join(' ')} failed (${signal ?? `exit code ${code}`}). This is what it said:\n\n${said}\n\n` +
      (program === 'npm'
        ? 'Often it is the network or a proxy (npm config get proxy), or a full disk. '
        : '') +
      'When that is mended, run the same command again: it starts over where it has to.',
  )
}

/**
 * Runs `work` while no other set-up of this clone runs. The lock is a folder with a file for each process that works
 * under it, and it is held while one of them lives: an npm that outlives its launcher keeps others out.
 */
async function alone(work) {
  const lock = join(runtime, 'lock')
  const children = []
  await taken(lock)
  try {
    await work((pid) => {
      writeFileSync(join(lock, String(pid)), '')
      children.push(pid)
    })
  } finally {
    for (const pid of [...children, process.pid]) rmSync(join(lock, String(pid)), { force: true })
  }
}

async function taken(lock) {
  let isWaiting = false
  while (!take(lock)) {
    if (!isWaiting)
      console.error(`Another set-up is under way (process ${owners(lock).join(', ')}); waiting for it ...`)
    isWaiting = true
    await sleep(200)
  }
}

/** A folder is renamed onto an empty or absent one in one step, and never onto one that an owner is noted in. */
function take(lock) {
  for (const pid of owners(lock)) if (!isAlive(pid)) rmSync(join(lock, pid), { force: true })
  const candidate = `${lock}-${process.pid}`
  mkdirSync(candidate, { recursive: true })
  writeFileSync(join(candidate, String(process.pid)), '')
  try {
    renameSync(candidate, lock)
    return true
  } catch (error) {
    rmSync(candidate, { recursive: true })
    if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST') return false
    throw error
  }
}

function owners(lock) {
  try {
    return readdirSync(lock)
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

/** This process itself is no owner yet: its number was another's before. */
function isAlive(pid) {
  if (Number(pid) === process.pid) return false
  try {
    return process.kill(Number(pid), 0)
  } catch (error) {
    return error.code !== 'ESRCH'
  }
}
