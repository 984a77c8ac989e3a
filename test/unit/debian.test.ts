import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { debianProgram } from '../support/debian.ts'
import { temporaryFolder, type TemporaryFolder } from '../support/temp.ts'

const path = process.env['PATH'] ?? ''
const asRoot = process.getuid?.() === 0 ? false : 'installing is for root'

/** Stands in for apt-get: `apt` is a shell script, and what it writes into its folder is on the path. */
async function withApt(folder: TemporaryFolder, apt: string): Promise<NodeJS.ProcessEnv> {
  const file = join(folder.path, 'apt-get')
  await writeFile(file, `#!/bin/sh\ncd ${folder.path}\necho "$@" >> asked\n${apt}\n`)
  await chmod(file, 0o755)
  return { PATH: `${folder.path}:${path}` }
}

const brings = 'printf "#!/bin/sh" > some-program; chmod +x some-program'

describe('a program of Debian', () => {
  test('that is there is used', async () => {
    const found = await debianProgram('sh', 'dash', { PATH: path })
    assert.match(found.path, /\/sh$/)
  })

  test('that is absent is a reason to skip, with the command that brings it, and nothing is installed', async () => {
    await using folder = await temporaryFolder()
    const env = await withApt(folder, brings)
    const { skip } = await debianProgram('some-program', 'some-package', env)
    assert.match(
      String(skip),
      /some-program is not here.*apt-get install -y --no-install-recommends some-package$/,
    )
    assert.match(String((await debianProgram('some-program', 'x', { ...env, CI: 'false' })).skip), /not here/)
    assert.ok(!existsSync(join(folder.path, 'asked')))
  })

  for (const wish of [{ CI: 'true' }, { HEADWATER_INSTALL: '1' }]) {
    test(`is installed where it is wished for: ${JSON.stringify(wish)}`, { skip: asRoot }, async () => {
      await using folder = await temporaryFolder()
      const env = { ...(await withApt(folder, brings)), ...wish }
      const { path: found } = await debianProgram('some-program', 'some-package', env)
      assert.equal(found, join(folder.path, 'some-program'))
      const asked = await readFile(join(folder.path, 'asked'), 'utf8')
      assert.equal(asked, 'install -y --no-install-recommends some-package\n')
    })
  }

  test('that can not be had in CI is an error', { skip: asRoot }, async () => {
    await using folder = await temporaryFolder()
    const failing = { ...(await withApt(folder, 'exit 100')), CI: 'true' }
    await assert.rejects(debianProgram('some-program', 'some-package', failing), /apt-get|100/)
    const lacking = { ...(await withApt(folder, 'exit 0')), CI: 'true' }
    await assert.rejects(
      debianProgram('some-program', 'some-package', lacking),
      /has no program some-program/,
    )
  })
})
