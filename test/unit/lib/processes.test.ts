import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { hasEnded, isRunning, thisProcess } from '../../../src/lib/processes.ts'

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
