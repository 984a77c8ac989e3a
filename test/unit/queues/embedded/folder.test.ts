import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFolder } from '../../../../src/queues/embedded/folder.ts'
import { temporaryFolder } from '../../../support/temp.ts'

test('shares one environment between openings, until the last is disposed of', async () => {
  await using temporary = await temporaryFolder()
  const [one, two] = await Promise.all([openFolder(temporary.path), openFolder(`${temporary.path}/.`)])
  assert.equal(one.root, two.root)
  await one[Symbol.asyncDispose]()
  await one[Symbol.asyncDispose]()
  await two.transact(() => two.root.put(['a'], Buffer.from('1')))
  await two[Symbol.asyncDispose]()
})

test('opens again what is just being closed, with everything in it', async () => {
  await using temporary = await temporaryFolder()
  const one = await openFolder(temporary.path)
  void one.transact(() => one.root.put(['a'], Buffer.from('1')))
  const closing = one[Symbol.asyncDispose]()
  await using two = await openFolder(temporary.path)
  await closing
  assert.equal(two.root.get(['a'])?.toString(), '1')
})

test('writes nothing of a transaction that throws', async () => {
  await using temporary = await temporaryFolder()
  await using folder = await openFolder(temporary.path)
  const { root, transact } = folder
  const failing = transact(() => {
    void root.put(['a'], Buffer.from('1'))
    throw new Error('no')
  })
  const working = transact(() => root.put(['b'], Buffer.from('2')))
  await assert.rejects(failing, /^Error: no$/)
  await working
  assert.equal(root.get(['a']), undefined)
  assert.equal(root.get(['b'])?.toString(), '2')
})

test('refuses a format that it does not know, and says what to do', async () => {
  await using temporary = await temporaryFolder()
  const folder = await openFolder(temporary.path)
  const { root, transact } = folder
  await transact(() => root.put(['format'], Buffer.from('{"format":2,"partitions":8}')))
  await folder[Symbol.asyncDispose]()
  for (const _ of [1, 2]) {
    await assert.rejects(openFolder(temporary.path), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'DATA_FORMAT')
      assert.match(error.message, /"format":2.*Open it with the version that wrote it/)
      return true
    })
  }
})

test('takes a folder with a dot in its name for a folder', async () => {
  await using temporary = await temporaryFolder()
  await using folder = await openFolder(`${temporary.path}/my.queue`)
  assert.match(folder.path, /my\.queue$/)
})
