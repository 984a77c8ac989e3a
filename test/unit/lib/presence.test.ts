import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { alone, enter } from '../../../src/lib/presence.ts'
import { type ProcessSign, thisProcess } from '../../../src/lib/processes.ts'
import { startProgram } from '../../support/cli.ts'
import { temporaryFolder } from '../../support/temp.ts'

const PRESENCE = join(import.meta.dirname, '../../../src/lib/presence.ts')
const idle = ['-e', 'setInterval(() => {}, 1000); console.log("here")']

/** Runs a program that sees and counts processes of its own only. */
const apart = ['--pid', '--fork', '--kill-child']
const canBeApart = spawnSync('unshare', [...apart, 'true']).status === 0
const canMount = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0

/** Where no process can be seen from here. */
const elsewhere = [
  { place: /of another container/, within: `${thisProcess().within?.split(' ')[0]} pid:[1]` },
  { place: /of another machine, or of this one before/, within: 'another-start pid:[1]' },
]

async function folderWithMarks() {
  const folder = await temporaryFolder()
  const marks = join(folder.path, 'users')
  await mkdir(marks)
  return {
    ...folder,
    marks: () => readdir(marks),
    mark: (name: string, content = '') => writeFile(join(marks, name), content),
  }
}

/** As a process says who it is. Earlier versions wrote the number alone. */
const signOf = ({ pid, within }: ProcessSign): string =>
  within === undefined ? `${pid}` : `${pid}@${encodeURIComponent(within)}`

for (const within of new Set([thisProcess().within, undefined])) {
  const form = within === undefined ? 'of an earlier version' : 'of this version'

  test(`tells the living from the dead by marks ${form}, and forgets these only when told`, async () => {
    await using folder = await folderWithMarks()
    await using living = startProgram(process.execPath, idle)
    await living.waitFor(/^here$/)
    await using dying = startProgram(process.execPath, idle)
    await dying.kill()
    for (const { pid } of [living, dying]) await folder.mark(signOf({ pid, within }))

    const presence = enter(folder.path)
    assert.deepEqual([presence.othersMayHaveDied, presence.isShared, presence.owner], [true, true, undefined])
    presence.foundWhole()
    presence.leave()
    assert.deepEqual(await folder.marks(), [signOf({ pid: living.pid, within })])
  })

  test(`a mark ${form} with the number of this process is of another that died: it keeps nobody from being alone`, async () => {
    await using folder = await folderWithMarks()
    const sign = signOf({ pid: process.pid, within })
    await folder.mark(sign)
    await folder.mark(`alone.${sign}`)
    {
      using _ = alone(folder.path)
    }
    const presence = enter(folder.path)
    assert.deepEqual([presence.othersMayHaveDied, presence.owner], [true, undefined])
    presence.foundWhole()
    assert.throws(() => alone(folder.path), { code: 'CONFLICT' }, 'it has the folder open itself')
    presence.leave()
    assert.deepEqual(await folder.marks(), [])
  })

  test(`who wants to be alone is, or is told by a mark ${form} that it is not`, async () => {
    await using folder = await folderWithMarks()
    const presence = enter(folder.path)
    assert.throws(() => alone(folder.path), { code: 'CONFLICT' })
    assert.deepEqual(
      (await folder.marks()).filter((name) => name.startsWith('alone')),
      [],
    )
    presence.leave()
    {
      using _ = alone(folder.path)
      const within = enter(folder.path)
      assert.equal(within.owner, undefined, 'it is no stranger to itself')
      within.leave()
      assert.throws(() => alone(folder.path), { code: 'CONFLICT' }, 'once at a time')
    }
    await using living = startProgram(process.execPath, idle)
    await living.waitFor(/^here$/)
    await folder.mark(`alone.${signOf({ pid: living.pid, within })}`)
    const late = enter(folder.path)
    late.leave()
    assert.equal(late.owner, `process ${living.pid} has it for itself`)
    const message = `${folder.path} is used by process ${living.pid}: stop what runs, and try again`
    assert.throws(() => alone(folder.path), { code: 'CONFLICT', message })
    await living.kill()
    const later = enter(folder.path)
    later.leave()
    assert.equal(later.owner, undefined, 'who died is alone no more')
  })
}

test('a file that is no mark keeps the folder for nobody', async () => {
  await using folder = await folderWithMarks()
  for (const name of ['', '0', '-1', '1@', '1@a%2']) {
    await folder.mark(`alone.${name}`)
    const presence = enter(folder.path)
    presence.leave()
    assert.equal(presence.owner, undefined)
    using _ = alone(folder.path)
  }
})

test('two that wanted to be alone in the same moment both were: one at most is, however often they try', async () => {
  await using folder = await folderWithMarks()
  const taken = join(folder.path, 'taken')
  const program = `
    import { rmSync, writeFileSync } from 'node:fs'
    import { alone } from ${JSON.stringify(PRESENCE)}
    let times = 0
    for (let tries = 0; tries < 5_000; tries++) {
      try {
        using _ = alone(${JSON.stringify(folder.path)})
        writeFileSync(${JSON.stringify(taken)}, '', { flag: 'wx' })
        times++
        rmSync(${JSON.stringify(taken)})
      } catch (error) {
        if (error.code !== 'CONFLICT') throw error
      }
    }
    console.log(times > 0)`
  const args = ['--input-type=module', '-e', program]
  const running = [1, 2].map(() => startProgram(process.execPath, args))
  await using _one = running[0]
  await using _two = running[1]
  for (const each of running) {
    await each.waitFor(/^true$/)
    assert.deepEqual(await each.exited, { code: 0, signal: null, stdout: 'true\n', stderr: '' })
  }
})

test('who wants to be alone on a full disk is told so, and is once there is room', {
  skip: !canMount && 'no small disk can be mounted here: it takes root and the right to mount tmpfs',
}, async () => {
  const program = `
    import { rmSync } from 'node:fs'
    import { alone } from ${JSON.stringify(PRESENCE)}
    const folder = process.argv[1]
    try { alone(folder) } catch ({ name, code }) { console.log(name, code) }
    rmSync(folder + '/filler')
    using _ = alone(folder)
    console.log('alone')`
  await using folder = await folderWithMarks()
  const full =
    'mount -t tmpfs -o nr_inodes=3 tmpfs "$0" && mkdir "$0/users" && touch "$0/filler" && exec "$@"'
  const node = [process.execPath, '--input-type=module', '-e', program, folder.path]
  await using running = startProgram('unshare', ['--mount', 'bash', '-c', full, folder.path, ...node])
  await running.waitFor(/^TransientError DISK_FULL$/)
  await running.waitFor(/^alone$/)
  await running.exited
})

test('a process that can not be seen was taken for dead: it counts as there, and it is said where and what to remove', async () => {
  for (const { place, within } of elsewhere) {
    await using folder = await folderWithMarks()
    const sign = signOf({ pid: 1, within })
    await folder.mark(sign)
    const said = (error: Error): boolean =>
      place.test(error.message) && error.message.endsWith(`/users/${sign}`)
    assert.throws(() => alone(folder.path), said)
    const presence = enter(folder.path)
    assert.deepEqual([presence.othersMayHaveDied, presence.isShared], [true, false])
    presence.foundWhole()
    presence.leave()
    assert.deepEqual(await folder.marks(), [sign], 'it may be there')
    const next = enter(folder.path)
    next.leave()
    assert.equal(next.othersMayHaveDied, false, 'all was found whole since it came')
    assert.throws(() => alone(folder.path), { code: 'CONFLICT' })

    await folder.mark(`alone.${sign}`)
    const late = enter(folder.path)
    late.leave()
    assert.match(late.owner ?? '', place)
    assert.ok(late.owner?.endsWith(`/users/alone.${sign}`))
    assert.throws(() => alone(folder.path), { code: 'CONFLICT' })
    assert.ok(existsSync(join(folder.path, 'users', `alone.${sign}`)))
  }
})

test('two processes with one number, each in a container of its own, both count as there', {
  skip: !canBeApart && 'no process can be given numbers of its own here: it takes root and unshare',
}, async () => {
  await using folder = await folderWithMarks()
  const program = `
    import { enter } from ${JSON.stringify(PRESENCE)}
    enter(${JSON.stringify(folder.path)})
    console.log(process.pid)
    setInterval(() => {}, 1000)`
  const args = [...apart, process.execPath, '--input-type=module', '-e', program]
  await using one = startProgram('unshare', args)
  await using two = startProgram('unshare', args)
  for (const each of [one, two]) await each.waitFor(/^1$/)
  assert.equal((await folder.marks()).length, 2)
  assert.throws(() => alone(folder.path), { code: 'CONFLICT', message: /process 1 of another container/ })
})
