import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { type Exit, type Running, startProgram } from '../support/cli.ts'
import { type Dashboard, filledIn } from '../support/dashboard.ts'
import { debianProgram } from '../support/debian.ts'
import { eventually, freePort, startUp } from '../support/pipeline.ts'
import { openProvider } from '../support/provider.ts'
import { temporaryFolder } from '../support/temp.ts'

interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[]
}

interface Rule {
  readonly alert?: string
  readonly expr: string
  readonly for?: string
}

const deploy = join(import.meta.dirname, '../../deploy')
const rulesText = await readFile(join(deploy, 'prometheus/alerts.yaml'), 'utf8')
const rules = parse(rulesText) as RuleFile
const dashboard = JSON.parse(await readFile(join(deploy, 'grafana/headwater.json'), 'utf8')) as Dashboard
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ title, expr: filledIn(expr) })),
)

const promtool = await debianProgram('promtool', 'prometheus')
const prometheus = await debianProgram('prometheus', 'prometheus')

async function check(args: readonly string[], cwd: string, input?: string): Promise<Exit> {
  await using running = startProgram(promtool.path, args, { cwd, ...(input !== undefined && { input }) })
  return await running.exited
}

async function approves(args: readonly string[], cwd: string, input?: string): Promise<void> {
  const { code, stdout, stderr } = await check(args, cwd, input)
  assert.equal(code, 0, stdout + stderr)
}

describe('promtool', { skip: promtool.skip }, () => {
  test('approves of the alerts, and sees each of them fire and end', async () => {
    await approves(['check', 'rules', 'alerts.yaml'], join(deploy, 'prometheus'))
    await approves(['test', 'rules', 'alerts.test.yaml'], join(deploy, 'prometheus'))
  })

  test('notices where an alert waits longer, or tells at another number', async () => {
    await using folder = await temporaryFolder()
    const tests = await readFile(join(deploy, 'prometheus/alerts.test.yaml'), 'utf8')
    await writeFile(join(folder.path, 'alerts.test.yaml'), tests)
    const all = rules.groups.flatMap((group) => group.rules)
    for (const [n, { alert, expr, for: wait }] of all.entries()) {
      const others = [
        expr.replace(/([<>]) ([\d.]+)/, '$1 1$2'),
        expr.replace('== 0', '== 2').replace('== 1', '== 2'),
      ]
      const changed = [
        ...others.filter((other) => other !== expr).map((other) => ({ ...all[n], expr: other })),
        ...(wait === undefined ? [] : [{ ...all[n], for: `${Number.parseInt(wait, 10) + 1}m` }]),
      ]
      assert.ok(changed.length > 0)
      for (const rule of changed) {
        const group = { name: 'changed', rules: all.with(n, rule as Rule) }
        await writeFile(join(folder.path, 'alerts.yaml'), stringify({ groups: [group] }))
        const { code, stderr } = await check(['test', 'rules', 'alerts.test.yaml'], folder.path)
        assert.equal(code, 1, `${alert}: ${JSON.stringify(rule)}`)
        assert.match(stderr, new RegExp(`alertname: ${alert}`))
      }
    }
  })

  test('approves of the configuration that is shown, and of what the dashboard asks', async () => {
    await using folder = await temporaryFolder()
    const readme = await readFile(join(deploy, 'prometheus/README.md'), 'utf8')
    const [, shown = ''] = /^```yaml\n(.*?)^```$/ms.exec(readme) ?? []
    await writeFile(join(folder.path, 'prometheus.yaml'), shown)
    await approves(['check', 'config', '--syntax-only', 'prometheus.yaml'], folder.path)
    const asked = queries.map(({ expr }, n) => ({ record: `query:${n}`, expr }))
    await writeFile(join(folder.path, 'asked.yaml'), stringify({ groups: [{ name: 'asked', rules: asked }] }))
    await approves(['check', 'rules', 'asked.yaml'], folder.path)
  })
})

const review = (id: string) => ({
  id,
  body: 'Good.',
  rating: 5,
  profile: { id: 'U1' },
  date: { utc: '2026-01-01T00:00:00Z' },
})

/** What a provider answers that has seven reviews and shows some. */
const pageWith = (...ids: readonly string[]) => ({
  request_info: { success: true },
  product: { asin: 'A', reviews_total: 7 },
  reviews: ids.map(review),
})

/** More than the first poll makes: what comes behind them is new. */
const FIRST_CALLS = 8

describe('a Prometheus that scrapes a process', { skip: prometheus.skip }, () => {
  test('shows something on every panel, and fires for dead letters and for a process that is gone', async () => {
    await using folder = await temporaryFolder()
    let asked = 0
    await using provider = await openProvider(() => ({
      body: asked++ < FIRST_CALLS ? pageWith('R1') : pageWith('R1', 'R2'),
    }))
    await writeFile(
      join(folder.path, 'headwater.yaml'),
      `
sources:
  - { name: sim, type: simulator, rate: 100, invalid: 0.3 }
  - { name: shop, type: http-poll, preset: rainforest, url: "${provider.url}/{product}", products: [A], every: 1s }
queue: { type: embedded }
store: { type: embedded }
http: { listen: "127.0.0.1:0" }
admin: { listen: "127.0.0.1:0", token: scrape-me }
`,
    )
    const { process, admin } = await startUp(folder.path)
    await using _ = process
    const ours = (
      await (await fetch(`${admin}/metrics`, { headers: { authorization: 'Bearer scrape-me' } })).text()
    )
      .split('\n')
      .filter((line) => /^(# (HELP|TYPE) )?headwater_/.test(line))
    assert.ok(ours.length > 50)
    await approves(['check', 'metrics'], folder.path, `${ours.join('\n')}\n`)

    const address = `127.0.0.1:${await freePort()}`
    await using running = await startPrometheus(address, admin, folder.path)
    await running.waitFor(/Server is ready to receive web requests/)
    const api = createApi(address)
    for (const { title, expr } of queries) {
      const shown = async (): Promise<true | undefined> =>
        (await api.query(expr)).length > 0 ? true : undefined
      if (title === 'Tries again') assert.deepEqual(await api.query(expr), [], 'nothing has failed')
      else await eventually(shown, `something on the panel ${title}`)
    }
    await eventually(() => api.firing('reject_share', { source: 'sim' }), 'reject_share')
    // One scrape that takes too long lets it fire for a moment.
    await eventually(
      async () => (await api.firing('target_down')) === undefined || undefined,
      'no target_down while it runs',
    )
    await process.stop()
    await eventually(() => api.firing('target_down', { job: 'headwater' }), 'target_down')
  })
})

interface Series {
  readonly metric: Readonly<Record<string, string>>
}

/** A real Prometheus that looks at a process twice a second, with our alerts as they are but for their patience. */
async function startPrometheus(address: string, admin: string, folder: string): Promise<Running> {
  const groups = rules.groups.map((group) => ({
    ...group,
    rules: group.rules.map((rule) => ({ ...rule, for: '0s' })),
  }))
  await writeFile(join(folder, 'alerts.yaml'), stringify({ groups }))
  const config = {
    global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
    rule_files: ['alerts.yaml'],
    scrape_configs: [
      {
        job_name: 'headwater',
        authorization: { credentials: 'scrape-me' },
        static_configs: [{ targets: [new URL(admin).host] }],
      },
    ],
  }
  await writeFile(join(folder, 'prometheus.yaml'), stringify(config))
  const args = [
    '--config.file=prometheus.yaml',
    '--storage.tsdb.path=tsdb',
    `--web.listen-address=${address}`,
  ]
  return startProgram(prometheus.path, args, { cwd: folder })
}

function createApi(address: string) {
  async function query(expr: string): Promise<readonly Series[]> {
    const response = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(expr)}`)
    const { status, error, data } = (await response.json()) as {
      status: string
      error?: string
      data: { result: Series[] }
    }
    assert.equal(status, 'success', `${expr}: ${error}`)
    return data.result
  }

  /** True if the alert fires with these labels. */
  async function firing(
    alert: string,
    labels: Readonly<Record<string, string>> = {},
  ): Promise<true | undefined> {
    const matchers = Object.entries({ alertname: alert, alertstate: 'firing', ...labels })
    const selector = matchers.map(([name, value]) => `${name}="${value}"`).join(',')
    return (await query(`ALERTS{${selector}}`)).length > 0 ? true : undefined
  }

  return { query, firing }
}
