import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { excerpt, lineFor, ReaderGone, steady, write, writeJson } from '../../../src/commands/output.ts'

const ESCAPES = '\u001b[31m \u009b31m \u0007 \u202e \u2066 \u200f'

test('terminal escapes and turned text of strangers are escaped in JSON, and its meaning is the same', async () => {
  const { stdout, text } = terminal()
  await writeJson({ ...io, stdout }, { text: ESCAPES, lines: 'a\nb' })
  assert.doesNotMatch(text(), /[^\P{Cc}\n]|\p{Bidi_Control}/u)
  assert.deepEqual(JSON.parse(text()), { text: ESCAPES, lines: 'a\nb' })
  assert.equal(steady('one\ntwo\u001b'), 'one\ntwo\\u001b')
})

test('an excerpt is one harmless line in which no character is cut in half', () => {
  assert.doesNotMatch(excerpt(`${ESCAPES}\nnext`, 80), /\p{Cc}|\p{Bidi_Control}/u)
  assert.equal(excerpt(' a \n b ', 3), 'a b')
  assert.equal(excerpt('😀'.repeat(9), 5), '😀😀😀😀…')
  assert.equal(excerpt('x'.repeat(1_000_000), 3), 'xx…')
})

test('an event whose raw has line breaks was several lines: it is one, of the same length and meaning', () => {
  const event = Buffer.from('{"data":{"raw":{\r\n  "text": "a\\n\u202e"\n}}}')
  const line = lineFor(event, { stdout: terminal().stdout })
  assert.equal(line.indexOf('\n'), event.length)
  assert.deepEqual(JSON.parse(line.toString()), JSON.parse(event.toString()))
  assert.ok(event.includes('\n'), 'the event itself is untouched')
})

test('on a terminal an event is steady, too', () => {
  const stdout = Object.assign(terminal().stdout, { isTTY: true })
  assert.equal(lineFor(Buffer.from('"\u009b\u202e"'), { stdout }).toString(), '"\\u009b\\u202e"\n')
})

test('a full disk was taken for success: what can not be written is an error, but for a reader who left', async () => {
  for (const [code, expected] of [
    ['ENOSPC', { code: 'ENOSPC' }],
    ['EPIPE', ReaderGone],
  ] as const) {
    const { stdout } = terminal(Object.assign(new Error('write failed'), { code }))
    await assert.rejects(write({ stdout }, 'x'), expected)
  }
})

/** A standard output that keeps what is written, or fails. */
function terminal(failure?: Error) {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(chunk)
      done(failure)
    },
  })
  stream.on('error', () => {})
  const stdout = stream as Writable & Pick<NodeJS.WriteStream, 'isTTY'> as NodeJS.WriteStream
  return { stdout, text: () => Buffer.concat(chunks).toString() }
}

const io = {
  stdin: process.stdin,
  stderr: process.stderr,
  env: {},
  signal: new AbortController().signal,
  exitCode: 0,
}
