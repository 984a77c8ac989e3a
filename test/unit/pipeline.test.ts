import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Environment } from '../../src/app.ts'
import { load } from '../../src/config/load.ts'
import { openPipeline, type PipelineOptions } from '../../src/pipeline.ts'
import { review } from '../support/reviews.ts'
import { silent } from '../support/queue-context.ts'
import { openPlace } from '../support/services.ts'
import { temporaryFolder } from '../support/temp.ts'

const everything: PipelineOptions = {
  ingestion: true,
  storage: false,
  listen: false,
  remember: false,
  clock: Date.now,
}

/** A folder with a config that reads one file with one review. */
async function environment(
  folder: string,
  port = 0,
  signal = new AbortController().signal,
): Promise<Environment> {
  const path = join(folder, 'headwater.yaml')
  await writeFile(join(folder, 'one.ndjson'), review('R1'))
  await writeFile(
    path,
    `
sources:
  - { name: shop, type: file, files: ["${join(folder, 'one.ndjson')}"] }
queue: { type: embedded }
store: { type: embedded }
http: { listen: "127.0.0.1:${port}" }
admin: { listen: "127.0.0.1:0" }
`,
  )
  const config = await load({ path, env: {}, args: { data: join(folder, 'data') } })
  return { config, logger: silent, signal }
}

async function published(folder: string): Promise<number | undefined> {
  await using place = await openPlace(join(folder, 'data'))
  return place.queue.backlog?.('storage')
}

describe('a pipeline', () => {
  test('publishes nothing before it is prepared', async () => {
    await using folder = await temporaryFolder()
    const env = await environment(folder.path)
    const prepare = async () => {
      throw new Error('not prepared')
    }
    await assert.rejects(openPipeline(env, { ...everything, prepare }), /not prepared/)
    assert.equal(await published(folder.path), 0)
    await using pipeline = await openPipeline(env, { ...everything, prepare: async () => {} })
    pipeline.stop()
    await pipeline.stopped
  })

  test('publishes nothing where its port is taken, and leaves nothing open', async () => {
    await using folder = await temporaryFolder()
    await using taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const address = taken.address()
    assert.ok(typeof address === 'object' && address)
    const env = await environment(folder.path, address.port)
    await assert.rejects(openPipeline(env, { ...everything, listen: true }), { code: 'CANNOT_LISTEN' })
    assert.equal(await published(folder.path), 0)
  })

  test('stops by itself when it was told to while it was opened', async () => {
    await using folder = await temporaryFolder()
    const ending = new AbortController()
    const env = await environment(folder.path, 0, ending.signal)
    await using pipeline = await openPipeline(env, {
      ...everything,
      storage: true,
      prepare: async () => ending.abort(),
    })
    await pipeline.stopped
  })
})
