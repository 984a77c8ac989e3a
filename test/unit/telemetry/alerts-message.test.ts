import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Alert } from '../../../src/telemetry/alerts/alert.ts'
import { bodyOf } from '../../../src/telemetry/alerts/message.ts'
import { MINUTE } from '../../support/vitals.ts'

const AT = Date.parse('2026-01-01T10:00:00Z')

function alert(subject: string, more: Partial<Alert> = {}): Alert {
  const words = { summary: `${subject} fails.`, advice: 'Mend it.' }
  return { rule: 'source_failing', severity: 'warning', since: AT - 90 * MINUTE, subject, ...words, ...more }
}

const news = { from: 'host-1', at: AT, firing: [], resolved: [], unwatched: [] }

describe('the form webhook', () => {
  test('has every alert with its status, what is critical first', () => {
    const firing = [alert('a'), alert('disk', { rule: 'disk_space', severity: 'critical' })]
    const body = bodyOf('webhook', { ...news, firing, resolved: [alert('b')], unwatched: [alert('c')] })
    const told = (subject: string, status: string, more = {}) => ({
      status,
      rule: 'source_failing',
      severity: 'warning',
      subject,
      summary: `${subject} fails.`,
      advice: 'Mend it.',
      since: '2026-01-01T08:30:00.000Z',
      ...more,
    })
    assert.deepEqual(JSON.parse(body), {
      version: 1,
      from: 'host-1',
      at: '2026-01-01T10:00:00.000Z',
      alerts: [
        told('disk', 'firing', { rule: 'disk_space', severity: 'critical' }),
        told('a', 'firing'),
        told('b', 'resolved'),
        told('c', 'unwatched'),
      ],
    })
  })
})

describe('the form slack', () => {
  const textOf = (more: object): string => {
    const { text, ...rest } = JSON.parse(bodyOf('slack', { ...news, ...more })) as { text: string }
    assert.deepEqual(rest, {}, 'an incoming webhook takes a text')
    return text
  }

  test('is a text for people: what is wrong, what to do, what has ended', () => {
    const text = textOf({ firing: [alert('a')], resolved: [alert('b')], unwatched: [alert('c')] })
    assert.equal(
      text,
      '*Headwater* on host-1\n' +
        '🟠 *source_failing* a fails.\nMend it.\n' +
        '🟢 *source_failing* b: resolved after 1 h 30 min\n' +
        '⚪ *source_failing* c: the process stops; told again by the next one if it is still so',
    )
  })

  test('escapes what Slack takes for markup, wherever it comes from', () => {
    const hostile = '<!channel> <https://evil.test|click> a&b &lt;'
    const planted = { summary: hostile, advice: hostile }
    const text = textOf({
      from: hostile,
      firing: [alert(hostile, planted)],
      resolved: [alert(hostile)],
      unwatched: [alert(hostile)],
    })
    assert.doesNotMatch(text, /[<>]/)
    assert.equal(text.match(/&lt;!channel&gt; &lt;https:/g)?.length, 5)
    assert.match(text, /a&amp;b &amp;lt;/)
  })

  test('shows twenty, what is critical among them, and says how many more there are', () => {
    const firing = Array.from({ length: 30 }, (_, n) => alert(`s${n}`))
    const worst = alert('process', { rule: 'not_ready', severity: 'critical' })
    const text = textOf({ firing: [...firing, worst] })
    assert.match(text, /^🔴 \*not_ready\*/m)
    assert.equal(text.match(/^🟠/gm)?.length, 19)
    assert.match(text, /\nand 11 more; see \/health\/alerts$/)
  })

  test('a clock that was set back makes no negative time', () => {
    assert.match(textOf({ resolved: [alert('b', { since: AT + MINUTE })] }), /resolved after 0 ms$/)
  })
})
