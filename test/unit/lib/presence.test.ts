import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { alone, enter } from '../../../src/lib/presence.ts'
import { startProgram } from '../../support/cli.ts'
import { temporaryFolder } from '../../support/temp.ts'

const idle = ['-e', 'setInterval(() => {}, 1000); console.log("here")']

test('tells the living from the dead, and forgets these only when told', async () => {
  await using folder = await temporaryFolder()
  await mkdir(join(folder.path, 'users'))
  await using living = startProgram(process.execPath, idle)
  await living.waitFor(/^here$/)
  await using dying = startProgram(process.execPath, idle)
  await dying.kill()
  for (const { pid } of [living, dying]) await writeFile(join(folder.path, 'users', String(pid)), '')

  const presence = enter(folder.path)
  assert.deepEqual([presence.othersDied, presence.isShared, presence.owner], [true, true, undefined])
  presence.forgetDead()
  presence.leave()
  assert.deepEqual(await readdir(join(folder.path, 'users')), [String(living.pid)])
})

test('a mark with the number of this process is one of another that died', async () => {
  await using folder = await temporaryFolder()
  await mkdir(join(folder.path, 'users'))
  await writeFile(join(folder.path, 'users', String(process.pid)), '')
  assert.equal(enter(folder.path).othersDied, true)
})

test('who wants to be alone is, or is told that it is not', async () => {
  await using folder = await temporaryFolder()
  const presence = enter(folder.path)
  assert.equal(alone(folder.path), undefined)
  presence.leave()
  {
    using mine = alone(folder.path)
    assert.ok(mine)
    assert.equal(enter(folder.path).owner, undefined, 'it is no stranger to itself')
  }
  await using living = startProgram(process.execPath, idle)
  await living.waitFor(/^here$/)
  await writeFile(join(folder.path, 'users', 'alone'), String(living.pid))
  assert.equal(enter(folder.path).owner, living.pid)
  assert.equal(alone(folder.path), undefined)
  await living.kill()
  assert.equal(enter(folder.path).owner, undefined, 'who died is alone no more')
})
