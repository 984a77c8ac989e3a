import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Where a program is, or why a test that needs it is skipped: the reason has the command that brings it. */
export type Program =
  | { readonly path: string; readonly skip: false }
  | { readonly path: ''; readonly skip: string }

/**
 * A program of one of Debian's packages. Where it is absent it is installed if `CI` is true or `HEADWATER_INSTALL` is 1,
 * and then to have none is an error; otherwise nobody's machine is changed. No service of the package is started.
 */
export async function debianProgram(
  program: string,
  debianPackage: string,
  env = process.env,
): Promise<Program> {
  const found = await find(program, env)
  if (found !== undefined) return { path: found, skip: false }
  if (env['CI'] !== 'true' && env['HEADWATER_INSTALL'] !== '1') {
    const command = `apt-get install -y --no-install-recommends ${debianPackage}`
    return { path: '', skip: `${program} is not here; HEADWATER_INSTALL=1 or this brings it: ${command}` }
  }
  await install(debianPackage, env)
  const path = await find(program, env)
  if (path === undefined) throw new Error(`${debianPackage} is installed and has no program ${program}`)
  return { path, skip: false }
}

async function find(program: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program)
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return undefined
}

/** One at a time: while `policy-rc.d` ends with 101, Debian starts no service that it installs. */
const SCRIPT = `
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod +x "$policy"
fi
apt-get install -y --no-install-recommends "$1" || {
  apt-get update
  apt-get install -y --no-install-recommends "$1"
}
`

async function install(debianPackage: string, env: NodeJS.ProcessEnv): Promise<void> {
  const lock = join(tmpdir(), 'headwater-debian.lock')
  await execute('flock', [lock, 'sh', '-ec', SCRIPT, 'sh', debianPackage], {
    env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 2 ** 26,
  })
}
