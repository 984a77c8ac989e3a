import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { type Exit, type Running, startProgram } from '../support/cli.ts'
import { temporaryFolder } from '../support/temp.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '../..')

/** In place of the real command line: says what it is told, and ends as it is told. */
const standIn = `
const [what, ...rest]: string[] = process.argv.slice(2)
if (what === 'exit') process.exit(Number(rest[0]))
if (what === 'die') process.kill(process.pid, 'SIGKILL')
if (what === 'say') console.log(JSON.stringify(rest))
if (what === 'serve') {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      console.log('told ' + signal)
      setImmediate(() => process.exit(3))
    })
  setInterval(() => {}, 1000)
  console.log('serving')
}
`

describe('a fresh clone', { skip: (await whyNot()) ?? false, timeout: 300_000 }, async () => {
  const folder = await temporaryFolder()
  const clone = folder.path
  const node = (await olderNode()) ?? process.execPath
  const env = { PATH: [dirname(node), process.env['PATH']].join(delimiter) }
  const start = (script: string, ...args: string[]): Running =>
    startProgram(node, [join(clone, 'bin', script), ...args], { cwd: clone, env })

  async function run(script: string, ...args: string[]): Promise<Exit> {
    await using running = start(script, ...args)
    return await running.exited
  }

  before(() => copyCheckout(clone))
  after(() => folder[Symbol.asyncDispose]())

  test('sets itself up once for two that start together, where another was interrupted', async () => {
    await mkdir(join(clone, 'node_modules', 'half-installed'), { recursive: true })
    await leaveLock(clone, await deadProcess())

    const both = await Promise.all([1, 2].map(() => run('run.js', 'node', '--version')))
    const said = both.map(({ stderr }) => stderr).join('')
    for (const { code, stdout, stderr } of both) {
      assert.equal(code, 0, stderr)
      assert.match(stdout, /^v(2[4-9]|[3-9]\d)\./)
    }
    assert.equal(said.match(/^Installing the packages/gm)?.length, 1, said)
    assert.equal(said.match(/^Installing Node/gm)?.length ?? 0, node === process.execPath ? 0 : 1, said)
    assert.doesNotMatch(said, /npm (warn|notice|error)/i)
    assert.equal(said.match(/^Building the page/gm)?.length, 1, said)
    assert.ok(existsSync(join(clone, 'dist', 'console', 'index.html')))
    assert.ok(!existsSync(join(clone, 'node_modules', 'half-installed')))
    assert.deepEqual(await readdir(join(clone, '.runtime', 'lock')), [])
  })

  test('says nothing and installs nothing the second time', async () => {
    const installed = join(clone, 'node_modules', 'left-alone')
    await writeFile(installed, '')
    const { code, stdout, stderr } = await run('run.js', 'tsc', '--version')
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^Version 7\./)
    assert.ok(existsSync(installed))
  })

  describe('its launcher', () => {
    before(() => writeFile(join(clone, 'src', 'cli.ts'), standIn))

    test('hands the arguments on as they are', async () => {
      const { stdout, stderr } = await run('headwater.js', 'say', 'a b', '', '--json')
      assert.deepEqual([stdout, stderr], ['["a b","","--json"]\n', ''])
    })

    test('has a short name, which may be linked to from elsewhere', async () => {
      const link = join(clone, 'src', 'hw')
      await symlink(join(clone, 'bin', 'headwater'), link)
      await using running = startProgram(link, ['say', 'a b'], { cwd: dirname(clone), env })
      const { code, stdout, stderr } = await running.exited
      assert.deepEqual([code, stdout], [0, '["a b"]\n'], stderr)
    })

    test('ends with the exit code, or by the signal, of the program', async () => {
      assert.equal((await run('headwater.js', 'exit', '78')).code, 78)
      assert.equal((await run('headwater.js', 'die')).signal, 'SIGKILL')
    })

    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
      test(`passes ${signal} on, once, and waits for the program to end`, async () => {
        await using running = start('headwater.js', 'serve')
        await running.waitFor(/^serving$/)
        const { code, stdout } = await running.stop(signal)
        assert.deepEqual([code, stdout], [3, `serving\ntold ${signal}\n`])
      })
    }

    test('takes the program with it when it is killed', async () => {
      await using running = start('headwater.js', 'serve')
      await running.waitFor(/^serving$/)
      // Resolves once nobody holds the other end of its outputs any more.
      assert.equal((await running.kill()).signal, 'SIGKILL')
    })
  })
})

async function whyNot(): Promise<string | undefined> {
  const isCheckout = await succeeds('git', ['-C', root, 'rev-parse', '--git-dir'])
  if (!isCheckout) return 'this is no git checkout, and a fresh clone is made from one'
  const reachesRegistry = await succeeds('npm', ['view', 'commander', 'version', '--fetch-retries=0'])
  return reachesRegistry ? undefined : 'npm, or the registry that it installs from, cannot be reached'
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return execute(command, args).then(
    () => true,
    () => false,
  )
}

/** A Node below 24 on the path, which the launcher must not run Headwater with. */
async function olderNode(): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'node')
    const version = existsSync(path) ? (await execute(path, ['--version'])).stdout : ''
    if (/^v(1\d|2[0-3])\./.test(version)) return path
  }
  return undefined
}

async function copyCheckout(to: string): Promise<void> {
  const listed = await execute('git', ['-C', root, 'ls-files', '-co', '--exclude-standard', '-z'])
  const files = listed.stdout.split('\0').filter((file) => file && existsSync(join(root, file)))
  for (const file of files) await cp(join(root, file), join(to, file))
}

async function deadProcess(): Promise<number> {
  await using running = startProgram(process.execPath, ['--version'])
  await running.exited
  return running.pid
}

async function leaveLock(clone: string, pid: number): Promise<void> {
  await mkdir(join(clone, '.runtime', 'lock'), { recursive: true })
  await writeFile(join(clone, '.runtime', 'lock', String(pid)), '')
}
