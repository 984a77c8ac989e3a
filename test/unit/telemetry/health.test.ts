import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHealth, type Pause } from '../../../src/telemetry/health.ts'

function started(checkLimitMs = 1_000) {
  const time = { now: Date.parse('2026-01-01T00:00:00Z') }
  return { time, ...createHealth({ clock: () => time.now, steady: () => time.now, checkLimitMs }) }
}

test('live while every loop turns within its limit', () => {
  const watch = started()
  const publish = watch.loop('publish', 100)
  watch.loop('store', 1_000)
  watch.time.now += 101
  assert.deepEqual(watch.live(), {
    ok: false,
    loops: [
      { name: 'publish', ok: false, idle: false, sinceTurnMs: 101 },
      { name: 'store', ok: true, idle: false, sinceTurnMs: 101 },
    ],
  })
  publish.turned()
  assert.ok(watch.live().ok)
})

test('a loop that waits for work, or has ended, is not stuck', () => {
  const watch = started()
  const watched = watch.loop('store', 100)
  watched.idle()
  watch.time.now += 1_000_000
  assert.ok(watch.live().ok)
  watched.turned()
  watch.time.now += 101
  assert.ok(!watch.live().ok)
  watched.ended()
  assert.deepEqual(watch.live(), { ok: true, loops: [] })
})

test('ready when everything required answers, and says what does not', async () => {
  const watch = started(1)
  assert.deepEqual(await watch.ready(), { ok: true, checks: [] })
  watch.require('queue', async () => 'fine')
  watch.require('store', async () => Promise.reject(new Error('connection refused')))
  watch.require('registry', (signal) => new Promise((resolve) => signal.addEventListener('abort', resolve)))
  assert.deepEqual(await watch.ready(), {
    ok: false,
    checks: [
      { name: 'queue', ok: true },
      { name: 'store', ok: false, detail: 'connection refused' },
      { name: 'registry', ok: false, detail: 'no answer within 1 ms' },
    ],
  })
})

test('asked twice at once, it looks once', async () => {
  const watch = started()
  let looks = 0
  watch.require('queue', async () => ++looks)
  await Promise.all([watch.ready(), watch.ready()])
  assert.equal(looks, 1)
  await watch.ready()
  assert.equal(looks, 2)
})

test('tells since when a source is in its state', () => {
  const watch = started()
  const tell = watch.source('shop', 'webhook')
  watch.time.now += 1_000
  tell('failing', 'the provider answers 500')
  watch.time.now += 1_000
  tell('failing', 'the provider answers 503')
  assert.deepEqual(watch.sources(), [
    {
      name: 'shop',
      type: 'webhook',
      state: 'failing',
      since: '2026-01-01T00:00:01.000Z',
      detail: 'the provider answers 503',
    },
  ])
})

test('a source that is in trouble of its own is failing until it is over, whatever its loop does meanwhile', () => {
  const watch = started()
  const stateNow = () => watch.sources().map(({ state, detail, since }) => `${state} ${detail} ${since}`)
  watch.trouble('shop', 'the provider asked to wait')
  assert.deepEqual(stateNow(), [], 'nobody told that there is such a source')
  const tell = watch.source('shop', 'http-poll')
  const began = '2026-01-01T00:00:00.000Z'
  assert.deepEqual(stateNow(), [`failing the provider asked to wait ${began}`])
  watch.time.now += 1_000
  tell('running')
  watch.trouble('shop', new Error('found 503'))
  assert.deepEqual(stateNow(), [`failing found 503 ${began}`])
  tell('failing', 'the queue is full')
  assert.deepEqual(stateNow(), [`failing the queue is full ${began}`])
  watch.trouble('shop', undefined)
  assert.deepEqual(stateNow(), [`failing the queue is full ${began}`])
  tell('running')
  assert.deepEqual(stateNow(), ['running undefined 2026-01-01T00:00:01.000Z'])
  watch.trouble('shop', new Error('found 503'))
  tell('ended')
  assert.deepEqual(stateNow(), ['ended undefined 2026-01-01T00:00:01.000Z'])
})

test('a source that is paused is said to be that, whatever is wrong with it, and is as it was when it goes on', () => {
  const time = { now: Date.parse('2026-01-01T00:00:00Z') }
  let pause: Pause = { paused: false }
  const clock = (): number => time.now
  const watch = createHealth({ clock, steady: clock, pauseOf: () => pause })
  const tell = watch.source('shop', 'http-poll')
  watch.trouble('shop', new Error('found 503'))
  const failing = watch.sources()
  assert.equal(failing[0]?.state, 'failing')
  time.now += 1_000
  pause = { paused: true, at: time.now }
  const paused = { name: 'shop', type: 'http-poll', state: 'paused', since: '2026-01-01T00:00:01.000Z' }
  assert.deepEqual(watch.sources(), [paused])
  pause = { paused: false, at: time.now + 1_000 }
  assert.deepEqual(watch.sources(), failing)
  tell('ended')
  pause = { paused: true }
  assert.equal(watch.sources()[0]?.state, 'ended')
})

test('a clock that is set says nothing about how long a loop takes', () => {
  const time = { now: Date.parse('2026-01-01T00:00:00Z'), steady: 0 }
  const watch = createHealth({ clock: () => time.now, steady: () => time.steady })
  watch.loop('store', 100)
  time.now += 86_400_000
  assert.ok(watch.live().ok)
  time.now -= 2 * 86_400_000
  time.steady += 101
  assert.ok(!watch.live().ok)
})

test('secrets in the words of an error do not reach whoever asks how it goes', async () => {
  const watch = started()
  watch.source('shop', 'webhook')('failing', 'no answer from https://u:hunter2@api.test/?api_key=hunter2')
  watch.source('poll', 'http-poll')
  watch.trouble('poll', new Error('found 401 at https://poll.test/?token=hunter2'))
  watch.require('queue', async () => Promise.reject(new Error('amqp://guest:hunter2@mq.test refused')))
  const told = JSON.stringify([watch.sources(), await watch.ready()])
  assert.match(told, /api\.test.*poll\.test.*mq\.test/)
  assert.doesNotMatch(told, /hunter2/)
})
