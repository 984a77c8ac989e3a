import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { HeadwaterError } from '../../../src/errors.ts'
import { openEnvironment, tablesOf } from '../../../src/stores/embedded/environment.ts'

const folder = await mkdtemp(join(tmpdir(), 'test-environment-'))
after(() => rm(folder, { recursive: true }))

const layout = tablesOf(['things'], [2, 1])
const older = tablesOf(['things'], [1])
const A = Buffer.from('a')

test('a write that throws leaves nothing, and does not disturb the others of its turn', async () => {
  await using environment = await openEnvironment(join(folder, 'throws'), layout)
  const { tables, write } = environment
  const put = (name: string) => write(() => tables.things.putSync(Buffer.from(name), A))
  const failing = write(() => {
    tables.things.putSync(Buffer.from('b'), A)
    throw new Error('a bug')
  })
  const outcomes = await Promise.allSettled([put('a'), failing, put('c')])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(Array.from(tables.things.getKeys(), String), ['a', 'c'])
})

test('a folder stays open until the last of its users has closed it', async () => {
  const place = join(folder, 'shared')
  const first = await openEnvironment(place, layout)
  const second = await openEnvironment(place, layout)
  await first[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
  await second.write(() => second.tables.things.putSync(A, A))
  assert.deepEqual(second.tables.things.get(A), A)
  await assert.rejects(
    first.during(async () => {}),
    /closed/,
  )
  const closing = second[Symbol.asyncDispose]()
  await using third = await openEnvironment(place, layout)
  await closing
  assert.deepEqual(third.tables.things.get(A), A)
})

test('closing waits for what is under way', async () => {
  const environment = await openEnvironment(join(folder, 'waits'), layout)
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const order: string[] = []
  const running = environment.during(async () => {
    await gate
    await environment.write(() => environment.tables.things.putSync(A, A))
    order.push('written')
  })
  const closing = environment[Symbol.asyncDispose]().then(() => order.push('closed'))
  open()
  await Promise.all([running, closing])
  assert.deepEqual(order, ['written', 'closed'])
})

test('a folder in a format of another version is refused, and says what to do', async () => {
  const place = join(folder, 'format')
  {
    await using environment = await openEnvironment(place, layout)
    const { tables, write } = environment
    await write(() => tables.meta.putSync(Buffer.from('format'), Buffer.from('{"format":3}')))
  }
  for (let attempt = 0; attempt < 2; attempt++) {
    await assert.rejects(openEnvironment(place, layout), (error: unknown) => {
      return error instanceof HeadwaterError && error.code === 'DATA_FORMAT' && error.message.includes(place)
    })
  }
})

test('a folder in an older format that is read is in the newer one from then on', async () => {
  const place = join(folder, 'older')
  {
    await using environment = await openEnvironment(place, older)
    await environment.write(() => environment.tables.things.putSync(A, A))
  }
  {
    await using newer = await openEnvironment(place, layout)
    assert.deepEqual(newer.tables.things.get(A), A)
  }
  await assert.rejects(openEnvironment(place, older), (error: unknown) => {
    return error instanceof HeadwaterError && error.code === 'DATA_FORMAT'
  })
})

test('a place that is no folder is refused by name', async () => {
  const place = join(folder, 'file')
  await writeFile(place, '')
  await assert.rejects(openEnvironment(join(place, 'store'), layout), (error: unknown) => {
    return (
      error instanceof HeadwaterError && error.code === 'FOLDER_UNUSABLE' && error.message.includes(place)
    )
  })
})
