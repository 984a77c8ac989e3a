import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createAlerts } from '../../../src/telemetry/alerts/alert.ts'
import type { ChannelType } from '../../../src/telemetry/alerts/message.ts'
import { post } from '../../../src/telemetry/alerts/post.ts'
import { createRules } from '../../../src/telemetry/alerts/rules.ts'
import { watchAlerts } from '../../../src/telemetry/alerts/watch.ts'
import { createLogger } from '../../../src/telemetry/logs.ts'
import { openReceiver } from '../../support/alert-receiver.ts'
import { freePort } from '../../support/pipeline.ts'
import { DEFAULTS, source, vitals } from '../../support/vitals.ts'

const failing = { sources: [source('shop', { state: 'failing', detail: 'it said <no>' })] }

/** Watches a process in which a source fails until the test mends it. */
function watching(urls: readonly { type: ChannelType; url: string }[]) {
  const lines: string[] = []
  const stop = new AbortController()
  const state = { isFailing: true, looks: 0, throwing: false, until: Promise.resolve() }
  const looked = { next: Promise.withResolvers<void>() }
  const ended = watchAlerts({
    async look() {
      const minute = ++state.looks
      looked.next.resolve()
      looked.next = Promise.withResolvers()
      await state.until
      if (state.throwing) throw new Error('a bug in a look')
      return vitals(minute, state.isFailing ? failing : {})
    },
    alerts: createAlerts(createRules({ ...DEFAULTS, sourceFailing: { afterMs: 0 } })),
    notify: urls,
    everyMs: 1,
    pauseMs: 0,
    repeatMs: 3_600_000,
    from: 'host-1',
    clock: Date.now,
    steady: () => performance.now(),
    signal: stop.signal,
    logger: createLogger({ level: 'debug', json: true, to: { write: (line) => void lines.push(line) } }),
  })
  return {
    state,
    log: () => lines.join(''),
    async looks(count: number) {
      for (const until = state.looks + count; state.looks < until; ) await looked.next.promise
    },
    stop() {
      stop.abort()
      return ended
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
    },
  }
}

describe('a watch', () => {
  test('tells every receiver in its own form when an alert fires and when it ends, and logs both', async () => {
    await using one = await openReceiver()
    await using other = await openReceiver()
    await using watch = watching([
      { type: 'webhook', url: one.url },
      { type: 'slack', url: other.url },
    ])
    const { subject, summary } = await one.told('firing', 'source_failing')
    assert.deepEqual([subject, summary], ['shop', 'The source shop fails: it said <no>'])
    await other.came(1)
    assert.match(other.bodies[0] ?? '', /it said &lt;no&gt;/)
    watch.state.isFailing = false
    await one.told('resolved', 'source_failing')
    await other.came(2)
    await watch.stop()
    assert.deepEqual([one.bodies.length, other.bodies.length], [2, 2])
    assert.match(watch.log(), /"level":"warn".*"alert":"source_failing".*docs\/alerts\.md#source_failing/)
    assert.match(watch.log(), /"level":"info".*the alert has ended/)
  })

  test('goes on looking while a receiver does not answer, and keeps nobody waiting at the end', async () => {
    await using deaf = await openReceiver(() => {})
    await using well = await openReceiver()
    await using watch = watching([
      { type: 'webhook', url: deaf.url },
      { type: 'webhook', url: well.url },
    ])
    await deaf.came(1)
    await watch.looks(20)
    watch.state.isFailing = false
    await well.told('resolved', 'source_failing')
    await watch.stop()
    assert.equal(deaf.bodies.length, 1)
  })

  test('says at its end what nobody watches any longer, and not that it has ended', async () => {
    await using receiver = await openReceiver()
    await using watch = watching([{ type: 'webhook', url: receiver.url }])
    await receiver.told('firing', 'source_failing')
    await watch.stop()
    assert.deepEqual(
      receiver.documents.map(({ alerts }) => alerts.map(({ status }) => status)),
      [['firing'], ['unwatched']],
    )
  })

  test('took for mended what had only been stopped while it looked', async () => {
    await using receiver = await openReceiver()
    await using watch = watching([{ type: 'webhook', url: receiver.url }])
    await receiver.told('firing', 'source_failing')
    await watch.looks(50)
    const held = Promise.withResolvers<void>()
    watch.state.until = held.promise
    await watch.looks(1)
    watch.state.isFailing = false
    const ended = watch.stop()
    held.resolve()
    await ended
    assert.deepEqual(
      receiver.documents.map(({ alerts }) => alerts.map(({ status }) => status)),
      [['firing'], ['unwatched']],
    )
  })

  test('outlives a bug in a look', async () => {
    await using receiver = await openReceiver()
    await using watch = watching([{ type: 'webhook', url: receiver.url }])
    watch.state.throwing = true
    await watch.looks(3)
    watch.state.throwing = false
    await receiver.told('firing', 'source_failing')
    assert.match(watch.log(), /"level":"error".*a bug in a look/)
  })

  test('never writes a URL or a secret of it into the log, however a receiver fails', async () => {
    const port = await freePort()
    await using refusing = await openReceiver((response) => void response.writeHead(500).end('no'))
    await using moved = await openReceiver(
      (response) =>
        void response.writeHead(302, { location: 'http://127.0.0.1/elsewhere?key=hunter2' }).end(),
    )
    await using rude = await openReceiver((response) => void response.destroy())
    const urls = [refusing.url, moved.url, rude.url, `http://127.0.0.1:${port}/7f3a-secret-path?key=hunter2`]
    await using watch = watching(urls.map((url) => ({ type: 'webhook', url })))
    await Promise.all([refusing, moved, rude].map((receiver) => receiver.came(1)))
    await watch.looks(5)
    await watch.stop()
    const log = watch.log()
    for (const n of urls.keys()) assert.match(log, new RegExp(`alerts\\.notify\\[${n}\\] \\(webhook\\)`))
    assert.match(log, /it answered 500.*it answered 302/s)
    assert.match(log, /ECONNREFUSED/)
    assert.doesNotMatch(log, /hunter2|7f3a|127\.0\.0\.1/)
  })
})

test('why a message was not taken is told without the URL, also of a URL that can not be asked', async () => {
  const { signal } = new AbortController()
  assert.equal(await post('http://u:hunter2@127.0.0.1/', '{}', signal), 'TypeError')
  const wellKnown = await post('http://127.0.0.1:1/hunter2', '{}', signal)
  assert.match(wellKnown ?? '', /^[A-Za-z_]+$/)
})
