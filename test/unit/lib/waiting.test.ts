import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { abortable, limit, within } from '../../../src/lib/waiting.ts'

const forever = new Promise<never>(() => {})
const late = (): Error => new Error('late')

test('a wait ends with the reason of its signal, also one that was aborted before', async () => {
  const stop = new AbortController()
  const waiting = abortable(forever, stop.signal)
  stop.abort(new Error('enough'))
  await assert.rejects(waiting, /enough/)
  await assert.rejects(abortable(forever, stop.signal), /enough/)
  assert.equal(await abortable(Promise.resolve(1), undefined), 1)
})

test('a wait leaves nothing on a signal that lives on', async () => {
  const { signal } = new AbortController()
  assert.equal(await abortable(Promise.resolve(1), signal), 1)
  await assert.rejects(abortable(Promise.reject(late()), signal), /late/)
  assert.equal(await within(60_000, Promise.resolve(2), late, signal), 2)
  assert.deepEqual(getEventListeners(signal, 'abort'), [])
})

test('a limit aborts with its own reason when its time is over, and with the outer one before', async () => {
  await assert.rejects(within(1, forever, late), /late/)
  const outer = new AbortController()
  using time = limit(60_000, late, outer.signal)
  outer.abort(new Error('enough'))
  assert.equal((time.signal.reason as Error).message, 'enough')
  using over = limit(60_000, late, outer.signal)
  assert.equal(over.signal.aborted, true)
})
