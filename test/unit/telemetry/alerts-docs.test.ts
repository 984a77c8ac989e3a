import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { load } from '../../../src/config/load.ts'
import { createAlerts } from '../../../src/telemetry/alerts/alert.ts'
import { bodyOf } from '../../../src/telemetry/alerts/message.ts'
import { createRules } from '../../../src/telemetry/alerts/rules.ts'
import type { AlertDocument } from '../../support/alert-receiver.ts'
import { run } from '../../support/cli.ts'
import { temporaryFolder } from '../../support/temp.ts'
import { DEFAULTS, HOUR, MINUTE, source, vitals } from '../../support/vitals.ts'

const docs = join(import.meta.dirname, '../../../docs')
const page = await readFile(join(docs, 'alerts.md'), 'utf8')

const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text)

/** The section `alerts:` of a config, checked as every config is. */
async function loadAlerts(yaml: string, env: Readonly<Record<string, string>> = {}) {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'headwater.yaml')
  await writeFile(join(folder.path, 'pager-url'), 'https://pager.test/')
  await writeFile(path, yaml.replaceAll('/run/secrets', folder.path))
  return (await load({ path, env })).alerts
}

const minimal = (alerts: string): string =>
  `queue: { type: embedded }\nstore: { type: embedded }\nalerts: ${alerts}\n`

describe('docs/alerts.md', () => {
  test('has configs that are right', async () => {
    const env = { SLACK_WEBHOOK_URL: 'https://slack.test/', PAGER_URL: 'https://pager.test/' }
    const examples = await Promise.all(blocks('yaml').map((text) => loadAlerts(text, env)))
    assert.deepEqual(
      examples.map(({ notify }) => notify.map(({ type }) => type)),
      [['slack', 'webhook'], ['webhook']],
    )
    assert.equal(examples[1]?.rules.notReady, false)
  })

  test('shows a message as it is sent', () => {
    const [shown = ''] = blocks('json')
    const { from, at, alerts } = JSON.parse(shown) as AlertDocument
    const withStatus = (wanted: string) =>
      alerts
        .filter(({ status }) => status === wanted)
        .map(({ status: _, since, severity, ...alert }) => ({
          ...alert,
          severity: severity === 'critical' ? ('critical' as const) : ('warning' as const),
          since: Date.parse(since),
        }))
    const news = { firing: withStatus('firing'), resolved: withStatus('resolved'), unwatched: [] }
    const sent = bodyOf('webhook', { from, at: Date.parse(at), ...news })
    assert.deepEqual(JSON.parse(sent), JSON.parse(shown))
  })

  test('tells the numbers that are in force', () => {
    const { silentSource, rejectShare, backlogAge, diskSpace } = DEFAULTS
    const { deadLetterSpace, sourceFailing, driftedFields, notReady } = DEFAULTS
    assert.ok(silentSource && rejectShare && backlogAge && diskSpace)
    assert.ok(deadLetterSpace && sourceFailing && driftedFields && notReady)
    const numbers = {
      silent_source: [silentSource.afterMs / HOUR],
      reject_share: [rejectShare.above * 100, rejectShare.overMs / MINUTE, rejectShare.afterMs / MINUTE],
      backlog_age: [backlogAge.aboveMs / MINUTE, backlogAge.afterMs / MINUTE],
      disk_space: [diskSpace.below * 100, diskSpace.afterMs / MINUTE],
      dead_letter_space: [deadLetterSpace.above * 100, deadLetterSpace.afterMs / MINUTE],
      source_failing: [sourceFailing.afterMs / MINUTE],
      drifted_fields: [driftedFields.afterMs / MINUTE],
      not_ready: [notReady.afterMs / MINUTE],
    }
    for (const { name, severity } of createRules(DEFAULTS)) {
      const [, told, text = ''] =
        new RegExp(`^\\| \\[${name}\\]\\(#${name}\\) \\| (\\w+) \\| (.*) \\|$`, 'm').exec(page) ?? []
      assert.equal(told, severity, name)
      assert.deepEqual(text.match(/\d+/g)?.map(Number), numbers[name as keyof typeof numbers], name)
    }
  })

  test('and the advice of the alerts name commands and keys that there are', async () => {
    const wrong = {
      sources: [
        source('shop', {
          state: 'failing',
          quietMs: 99 * HOUR,
          received: 99,
          rejected: 99,
          drifted: [{ kind: 'gone', field: '/title', message: '`/title` is gone' }],
        }),
      ],
      topics: [{ topic: 'raw-reviews', backlog: 1, oldestAgeMs: 99 * HOUR }],
      disk: { freeBytes: 0, sizeBytes: 1 },
      deadLetters: { bytes: 9, maxBytes: 10 },
      unready: ['queue'],
    }
    const alerts = createAlerts(createRules(DEFAULTS))
    for (const minute of [0, 10]) alerts.evaluate(vitals(minute, wrong))
    assert.equal(alerts.firing().length, Object.keys(DEFAULTS).length)
    const advice = alerts.firing().map((alert) => alert.advice)
    const reference = await readFile(join(docs, 'configuration.md'), 'utf8')
    for (const [, key = ''] of advice.join(' ').matchAll(/\balerts\.(rules\.[\w.]+\w)/g))
      assert.ok(reference.includes(`\`${key}\``), key)

    const named = [page, ...advice].join(' ').matchAll(/`headwater ([a-z]+(?: [a-z]+)?)/g)
    const commands = new Set([...named].map(([, command = '']) => command))
    assert.ok(commands.has('dlq clusters'))
    for (const command of commands) {
      const { code, stderr } = await run([...command.split(' '), '--help'])
      assert.equal(code, 0, `headwater ${command}: ${stderr}`)
      assert.equal(stderr, '', command)
    }
  })
})

describe('the section alerts:', () => {
  test('a watch without a pause, or one that never looks, is refused, and so is a user in a URL', async () => {
    const cases = {
      '{ every: 0 }': /alerts\.every: expected from 100ms to 1h/,
      '{ every: 30d }': /alerts\.every: expected from 100ms to 1h/,
      '{ repeat: 1s }': /alerts\.repeat: expected from 1m to 365d/,
      '{ notify: [{ type: slack, url: "https://u:hunter2@slack.test/" }] }':
        /notify\[0\]\.url: expected a URL of http or https, without a user in it/,
      '{ notify: [{ type: slack, url: "ftp://hunter2.test/" }] }':
        /notify\[0\]\.url: expected a URL of http or https/,
      '{ rules: { silent_source: true } }': /rules\.silent_source: expected false or a mapping, found true/,
      '{ rules: { disk_space: { below: 2 } } }':
        /disk_space\.below: expected a number from 0 up to 1, found 2/,
    }
    for (const [written, expected] of Object.entries(cases)) {
      await assert.rejects(loadAlerts(minimal(written)), (error: Error) => {
        assert.match(error.message, expected)
        assert.doesNotMatch(error.message, /hunter2/)
        return true
      })
    }
  })
})
