import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStopping, runToTheEnd } from '../../src/stopping.ts'
import { silent } from '../support/queue-context.ts'

test('what ended storage was forgotten where sources took so long to stop that they were abandoned: it ends the whole', async () => {
  const stopping = createStopping(silent)
  const sources = Promise.withResolvers<void>()
  const refused = new Error('the database refuses')
  const all = runToTheEnd(sources.promise, [Promise.reject(refused), Promise.resolve()], stopping)
  await new Promise((resolve) => stopping.sources.addEventListener('abort', resolve))
  stopping.killNow()
  sources.resolve()
  await assert.rejects(all, refused)
  stopping.finished()
})

test('storage that is abandoned is no failure', async () => {
  const stopping = createStopping(silent)
  const storage = Promise.withResolvers<void>()
  stopping.kill.addEventListener('abort', () => storage.reject(stopping.kill.reason))
  const all = runToTheEnd(Promise.resolve(), [storage.promise], stopping)
  stopping.killNow()
  await all
  assert.ok(stopping.storage.aborted)
  stopping.finished()
})
