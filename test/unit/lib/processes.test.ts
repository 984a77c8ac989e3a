import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { hasEnded, isRunning, placeOf, thisProcess } from '../../../src/lib/processes.ts'

async function endedPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'])
  await once(child, 'exit')
  return child.pid ?? 0
}

test('a process is running until it has ended, whoever’s it is', async () => {
  assert.equal(isRunning(process.pid), true)
  assert.equal(isRunning(1), true)
  assert.equal(isRunning(await endedPid()), false)
})

test('a process has surely ended only where its number would be seen', async () => {
  const own = thisProcess()
  const pid = await endedPid()
  assert.equal(hasEnded(own), false)
  assert.equal(hasEnded({ ...own, pid }), own.within !== undefined)
  assert.equal(hasEnded({ pid, within: 'another machine' }), false)
  assert.equal(hasEnded({ pid, within: undefined }), false)
})

test('a person is told where a process is, as seen from here', () => {
  const { within } = thisProcess()
  for (const near of [within, undefined]) assert.equal(placeOf({ pid: 7, within: near }), 'process 7')
  assert.match(
    placeOf({ pid: 7, within: 'another-start pid:[1]' }),
    /^process 7 of another machine, or of this one/,
  )
  const [boot] = within?.split(' ') ?? []
  if (boot) assert.match(placeOf({ pid: 7, within: `${boot} pid:[1]` }), /^process 7 of another container/)
})
