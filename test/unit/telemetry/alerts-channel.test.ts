import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Alert } from '../../../src/telemetry/alerts/alert.ts'
import { createChannel, type News } from '../../../src/telemetry/alerts/channel.ts'
import { MINUTE } from '../../support/vitals.ts'

const PAUSE = MINUTE
const REPEAT = 60 * MINUTE

function alert(subject: string): Alert {
  return {
    rule: 'source_failing',
    severity: 'warning',
    since: 0,
    subject,
    summary: `${subject} fails`,
    advice: '',
  }
}

/** A channel whose receiver answers as the test says, on a clock that the test moves. */
function open() {
  const time = { now: 1_000_000 }
  const answers: (string | undefined)[] = []
  const messages: string[] = []
  const log: string[] = []
  const write = (_: object, line: string) => void log.push(line)
  let whenSending = async (): Promise<void> => {}

  async function send({ firing, resolved, unwatched }: News): Promise<string | undefined> {
    const marked = { '+': firing, '-': resolved, '?': unwatched }
    const parts = Object.entries(marked).flatMap(([mark, alerts]) =>
      alerts.map(({ subject }) => mark + subject),
    )
    messages.push(parts.join(' '))
    await whenSending()
    return answers.shift()
  }

  const channel = createChannel({
    name: 'the receiver',
    send,
    pauseMs: PAUSE,
    repeatMs: REPEAT,
    steady: () => time.now,
    logger: { debug: write, info: write, warn: write, error: write },
  })
  return {
    log,
    answers,
    /** Tells what fires, so much later, and gives back what was sent for it. */
    after: async (ms: number, ...subjects: string[]): Promise<string[]> => {
      time.now += ms
      await channel.tell(subjects.map(alert))
      return messages.splice(0)
    },
    tell: (...subjects: string[]) => channel.tell(subjects.map(alert)),
    end: () => channel.end(),
    hold: (until: Promise<void>) => {
      whenSending = () => until
    },
    sent: () => messages.splice(0),
  }
}

describe('a receiver', () => {
  test('hears once that an alert fires, and once that it has ended', async () => {
    const { after } = open()
    assert.deepEqual(await after(0), [])
    assert.deepEqual(await after(PAUSE, 'a'), ['+a'])
    for (let n = 0; n < 20; n++) assert.deepEqual(await after(PAUSE, 'a'), [])
    assert.deepEqual(await after(PAUSE), ['-a'])
    for (let n = 0; n < 20; n++) assert.deepEqual(await after(PAUSE), [])
  })

  test('gets many alerts as one message', async () => {
    const { after } = open()
    const many = Array.from({ length: 500 }, (_, n) => `s${n}`)
    assert.deepEqual(await after(0, ...many), [many.map((name) => `+${name}`).join(' ')])
    assert.deepEqual(await after(PAUSE), [many.map((name) => `-${name}`).join(' ')])
  })

  test('gets at most one message a pause, however often an alert comes and goes', async () => {
    const { after } = open()
    const sent: string[] = []
    for (let second = 0; second < 600; second++)
      sent.push(...(await after(1_000, ...(second % 7 < 4 ? ['a'] : []))))
    assert.ok(sent.length >= 2 && sent.length <= 10, `${sent.length} messages in ten minutes`)
    for (const [n, message] of sent.entries())
      assert.equal(message, n % 2 ? '-a' : '+a', 'begins and ends in turns')
  })

  test('hears in the next message of what came and stayed within the pause, and not of what came and went', async () => {
    const { after } = open()
    assert.deepEqual(await after(0, 'a'), ['+a'])
    assert.deepEqual(await after(1_000, 'a', 'b', 'c'), [])
    assert.deepEqual(await after(1_000, 'b', 'd'), [])
    assert.deepEqual(await after(PAUSE, 'b', 'd'), ['+b +d -a'])
  })

  test('is reminded of what still fires, after so long', async () => {
    const { after } = open()
    assert.deepEqual(await after(0, 'a'), ['+a'])
    assert.deepEqual(await after(REPEAT - MINUTE, 'a', 'b'), ['+b'])
    assert.deepEqual(await after(MINUTE, 'a', 'b'), ['+a'])
    assert.deepEqual(await after(REPEAT - MINUTE, 'a', 'b'), ['+b'])
  })

  test('hears at the end of what nobody watches any longer, without another try', async () => {
    const { after, end, sent, answers } = open()
    await end()
    assert.deepEqual(sent(), [], 'nothing was told, so there is nothing to say')
    await after(0, 'a', 'b')
    answers.push('it answered 500')
    await end()
    assert.deepEqual(sent(), ['?a ?b'])
  })
})

describe('a receiver that is down', () => {
  test('gets what is still true later, in one message, and nothing of what has ended meanwhile', async () => {
    const { after, answers, log } = open()
    answers.push('ECONNREFUSED', 'ECONNREFUSED', 'it answered 503')
    assert.deepEqual(await after(0, 'a'), ['+a'])
    assert.deepEqual(await after(10_000, 'a', 'b'), ['+a +b'])
    assert.deepEqual(await after(20_000, 'b', 'c'), ['+b +c'])
    assert.deepEqual(await after(40_000, 'c', 'd'), ['+c +d'], 'the first that is taken')
    assert.deepEqual(await after(PAUSE), ['-c -d'])
    assert.deepEqual(log, [
      'alerts can not be delivered; trying again, for as long as they fire',
      'alerts are delivered again',
    ])
  })

  test('is told of an end that it could not be told when it came', async () => {
    const { after, answers } = open()
    await after(0, 'a')
    answers.push('it answered 500')
    assert.deepEqual(await after(PAUSE), ['-a'])
    assert.deepEqual(await after(300_000), ['-a'])
    assert.deepEqual(await after(300_000), [])
  })

  test('is tried less and less often, and at least every five minutes', async () => {
    const { after, answers, log } = open()
    let tries = 0
    for (let second = 0; second < 3_600; second++) {
      answers.push('ECONNREFUSED')
      tries += (await after(1_000, 'a')).length
      answers.length = 0
    }
    assert.ok(tries >= 12 && tries <= 20, `${tries} tries in an hour`)
    assert.equal(log.length, 1, 'said once, not at every try')
  })

  test('or slow is not written to twice at once', { timeout: 30_000 }, async () => {
    const { after, tell, hold, sent } = open()
    const answered = Promise.withResolvers<void>()
    hold(answered.promise)
    const first = tell('a')
    for (let n = 0; n < 10; n++) await after(PAUSE, 'a', 'b')
    assert.deepEqual(sent(), [])
    answered.resolve()
    await first
    assert.deepEqual(await after(PAUSE, 'a', 'b'), ['+b'])
  })
})
