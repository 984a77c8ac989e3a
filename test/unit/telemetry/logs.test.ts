import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger, logStyle } from '../../../src/telemetry/logs.ts'

function logged(options: { json: boolean; colours?: boolean; level?: 'debug' | 'warn' }) {
  const lines: string[] = []
  const logger = createLogger({ level: 'debug', ...options, to: { write: (line) => void lines.push(line) } })
  return { logger, lines }
}

test('hides secrets wherever they are', () => {
  const { logger, lines } = logged({ json: true })
  const url = 'https://api.test/reviews?api_key=hunter2&page=2'
  const cause = new Error(`no answer from ${url}`)
  logger.error(
    {
      headers: { Authorization: 'Bearer hunter2', 'x-webhook-secret': 'hunter2' },
      deep: [{ a: { token: 'hunter2', apiKey: ['hunter2'] } }],
      url: 'amqp://guest:hunter2@host:5672',
      error: new Error('failed', { cause }),
    },
    `asked ${url} with Bearer hunter2`,
  )
  assert.doesNotMatch(lines.join(''), /hunter2/)
  assert.match(lines.join(''), /page=2/)
})

test('a line of JSON has time, level, message and fields', () => {
  const { logger, lines } = logged({ json: true })
  logger.info({ source: 'shop', count: 3, body: Buffer.alloc(7) }, 'taken')
  const { time, ...rest } = JSON.parse(lines[0] ?? '') as Record<string, unknown>
  assert.ok(!Number.isNaN(Date.parse(String(time))))
  assert.deepEqual(rest, { level: 'info', source: 'shop', count: 3, body: '7 bytes', msg: 'taken' })
})

test('a line for people is short, and nobody can paint on their terminal', () => {
  const { logger, lines } = logged({ json: false })
  logger.warn({ topic: 'raw-reviews', why: 'it is slow' }, 'waiting\u001b[2J')
  assert.match(
    lines[0] ?? '',
    /^\r\u001b\[K\d\d:\d\d:\d\d warn {2}waiting\ufffd\[2J {2}topic=raw-reviews why="it is slow"\n$/,
  )
  assert.ok(paint().includes('\u001b[33mwarn'))
})

test('what strangers wrote could steer the terminal from the fields of a line', () => {
  const { logger, lines } = logged({ json: false })
  logger.warn({ file: 'a\u009b31m\u202e', error: { code: 'X', message: 'b\u0085\u2066', stack: '' } }, 'read')
  assert.match(lines[0] ?? '', /file="a\ufffd31m\ufffd" error="X b\ufffd\ufffd"\n$/)
})

test('a log line was glued to the live line: it takes the place of what has no end yet', () => {
  const { logger, lines } = logged({ json: false })
  logger.warn({}, 'slow')
  assert.ok(lines[0]?.startsWith('\r\u001b[K'))
})

test('writes nothing below its level', () => {
  const { logger, lines } = logged({ json: true, level: 'warn' })
  logger.info({}, 'no')
  logger.warn({}, 'yes')
  assert.equal(lines.length, 1)
})

test('colours only on a terminal, and not against the will of its user', () => {
  assert.deepEqual(logStyle({ isTTY: true }, {}), { json: false, colours: true })
  assert.deepEqual(logStyle({ isTTY: true }, { NO_COLOR: '1' }), { json: false, colours: false })
  assert.deepEqual(logStyle({}, {}), { json: true, colours: false })
})

function paint(): string {
  const { logger, lines } = logged({ json: false, colours: true })
  logger.warn({}, 'x')
  return lines.join('')
}
