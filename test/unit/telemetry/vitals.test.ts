import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createHealth, type Pause } from '../../../src/telemetry/health.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import { createLook, type TopicQuestions } from '../../../src/telemetry/vitals.ts'
import { temporaryFolder } from '../../support/temp.ts'
import { HOUR, MINUTE, POLLING } from '../../support/vitals.ts'

const nothing: TopicQuestions = { backlog: async () => 0, oldestAgeMs: async () => 0 }

/** Looks at a process that the test makes, on clocks that it moves. No question takes longer than the limit. */
function looking(dataDir: string, questions: Partial<TopicQuestions> = {}, limitMs = 30_000) {
  const time = { now: 1e12, steady: 0 }
  let pause: Pause = { paused: false }
  const clock = () => time.now
  const steady = () => time.steady
  const health = createHealth({ clock, steady, checkLimitMs: limitMs })
  const metrics = createMetrics(steady)
  const topics = { 'raw-reviews': { ...nothing, ...questions } }
  const deadLetters = { bytes: async () => 5, maxBytes: 10 }
  const look = createLook({
    health,
    metrics,
    polling: () => POLLING,
    pauseOf: () => pause,
    topics,
    deadLetters,
    dataDir,
    clock,
    steady,
    limitMs,
  })
  return {
    time,
    health,
    metrics,
    look,
    setPause: (next: Pause): void => void (pause = next),
  }
}

describe('a look', () => {
  test('sees sources, topics, the disk, and what does not answer or turn', async () => {
    await using folder = await temporaryFolder()
    const { time, health, metrics, look } = looking(folder.path, {
      backlog: async () => 7,
      oldestAgeMs: async () => 1_500,
    })
    metrics.source('shop')
    health.source('shop', 'webhook')('failing', 'no')
    health.loop('storage raw-reviews', 10)
    health.require('store', async () => Promise.reject(new Error('no answer')))
    metrics.received('shop', 3)
    metrics.rejected('shop', 1)
    time.steady = 500
    const { disk, ...rest } = await look()
    assert.deepEqual(rest, {
      at: 1e12,
      steadyMs: 500,
      sources: [
        {
          name: 'shop',
          state: 'failing',
          detail: 'no',
          received: 3,
          rejected: 1,
          quietMs: 500,
          polling: POLLING,
        },
      ],
      topics: [{ topic: 'raw-reviews', backlog: 7, oldestAgeMs: 1_500 }],
      unready: ['store: no answer'],
      deadLetters: { bytes: 5, maxBytes: 10 },
      stuck: ['storage raw-reviews'],
    })
    assert.ok(disk && disk.freeBytes > 0 && disk.freeBytes < disk.sizeBytes)
    assert.match(
      await metrics.text(),
      /^headwater_source_last_received_timestamp_seconds\{source="shop"\} 1000000000$/m,
    )
  })

  test('a source was silent for years when the clock was set right: silence is measured, not reckoned', async () => {
    const { time, health, metrics, look } = looking('.')
    metrics.source('shop')
    health.source('shop', 'webhook')
    time.now += 50 * 365 * 24 * 60 * MINUTE
    time.steady += MINUTE
    assert.equal((await look()).sources[0]?.quietMs, MINUTE)
  })

  test('a source is silent only since it went on after a pause', async () => {
    const { time, health, metrics, look, setPause } = looking('.')
    metrics.source('shop')
    health.source('shop', 'http-poll')
    function pass(ms: number): void {
      time.now += ms
      time.steady += ms
    }
    const quietMs = async () => (await look()).sources[0]?.quietMs
    setPause({ paused: true, at: time.now })
    pass(48 * HOUR)
    assert.equal(await quietMs(), 48 * HOUR, 'nothing came')
    setPause({ paused: false, at: time.now })
    assert.equal(await quietMs(), 0)
    pass(HOUR)
    assert.equal(await quietMs(), HOUR)
    metrics.received('shop', 1)
    assert.equal(await quietMs(), 0)
  })

  test('who comes while another look is under way gets that one', async () => {
    let asked = 0
    const { look } = looking('.', { backlog: async () => ++asked })
    const [one, other] = await Promise.all([look(), look()])
    assert.equal(one, other)
    assert.equal((await look()).topics[0]?.backlog, 2)
  })
})

describe('a queue that does not answer', () => {
  test('is asked once, however often one looks, and what it told last stands', async () => {
    let asked = 0
    const questions: TopicQuestions = {
      backlog: () => (++asked === 1 ? Promise.resolve(5) : new Promise(() => {})),
      oldestAgeMs: async () => Promise.reject(new Error('down')),
    }
    const { look } = looking('.', questions, 20)
    for (let n = 0; n < 5; n++) {
      assert.deepEqual((await look()).topics, [{ topic: 'raw-reviews', backlog: 5, oldestAgeMs: undefined }])
    }
    assert.equal(asked, 2)
  })

  test('is asked again once the question was given up', async () => {
    let asked = 0
    const backlog: TopicQuestions['backlog'] = async (signal) => {
      if (++asked === 1) await once(signal, 'abort')
      signal.throwIfAborted()
      return asked
    }
    const { look } = looking('.', { backlog }, 20)
    assert.equal((await look()).topics[0]?.backlog, undefined)
    assert.equal((await look()).topics[0]?.backlog, 2)
  })
})

describe('the data folder', () => {
  test('is measured with all that is in it, once a minute', async () => {
    await using folder = await temporaryFolder()
    const { time, look } = looking(folder.path)
    await mkdir(join(folder.path, 'store'))
    await symlink(folder.path, join(folder.path, 'store', 'again'))
    const before = (await look()).disk?.dataBytes ?? -1
    assert.ok(before >= 0)
    await writeFile(join(folder.path, 'store', 'data.mdb'), Buffer.alloc(1_000_000, 1))
    time.steady = MINUTE - 1
    assert.equal((await look()).disk?.dataBytes, before)
    time.steady = MINUTE
    const grown = ((await look()).disk?.dataBytes ?? -1) - before
    assert.ok(grown >= 1_000_000 && grown < 1_200_000, String(grown))
  })

  test('was walked file by file, also where somebody keeps a million there', async () => {
    await using folder = await temporaryFolder()
    const write = (n: number) => writeFile(join(folder.path, String(n)), '')
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => write(n)))
    const { time, metrics, look } = looking(folder.path)
    assert.notEqual((await look()).disk?.dataBytes, undefined)
    await write(1_000)
    time.steady = MINUTE
    const { disk } = await look()
    assert.equal(disk?.dataBytes, undefined)
    assert.ok((disk?.sizeBytes ?? 0) > 0)
    assert.match(await metrics.text(), /^headwater_data_folder_bytes Nan$/m)
  })

  test('that is not there hides nothing else', async () => {
    const { look } = looking('/nowhere/at/all')
    const { disk, topics } = await look()
    assert.equal(disk, undefined)
    assert.equal(topics.length, 1)
  })
})
