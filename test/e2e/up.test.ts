import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { run, start } from '../support/cli.ts'
import { eventually, json, rows, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

describe('up', () => {
  test('tells where it listens, how to send a review, and what happens; stops on Ctrl-C', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path, '  - { name: simulator, type: simulator, rate: 50 }')
    await using up = start(['up'], { cwd: folder.path })
    await up.waitFor(/Headwater is running/)
    const [, url] = await up.waitFor(/curl -sS (\S+)/)
    const curl = await fetch(url ?? '', {
      method: 'POST',
      body: review('MINE'),
      headers: { 'content-type': 'application/json' },
    })
    assert.equal(curl.status, 202)
    await up.waitFor(/^received [1-9].* · stored .* · dead letters .* · backlog .* · fresh /)
    const exit = await up.stop('SIGINT')
    assert.equal(exit.code, 0, exit.stderr)
    assert.match(exit.stdout, /received \d+ in .*stored/)
    assert.ok((await rows(folder.path)).some(({ raw }) => raw === review('MINE')))
  })

  test('printed a curl line without the secret that its webhook asks for, which was a 401', async () => {
    await using folder = await temporaryFolder()
    const token = 'a-token-that-nobody-is-told'
    const headers = { 'content-type': 'application/json' }
    const post = (url: string, more: Readonly<Record<string, string>>) =>
      fetch(url, { method: 'POST', body: review('MINE'), headers: { ...headers, ...more } })

    await writeConfigOf(folder.path, `{ scheme: url-token, param: key, secrets: [${token}] }`)
    await using first = start(['up'], { cwd: folder.path })
    const [line, url = ''] = await first.waitFor(/curl -sS '(\S+\?key=<secret>)' -H 'content-type/)
    assert.ok(!line.includes(token))
    assert.equal((await post(url, {})).status, 401)
    assert.equal((await post(url.replace('<secret>', token), {})).status, 202)
    assert.ok(!(await first.stop()).stdout.includes(token))

    await writeConfigOf(folder.path, `{ scheme: shared-secret, header: x-mine, secrets: [${token}] }`)
    await using second = start(['up'], { cwd: folder.path })
    const [, to = '', header = ''] = await second.waitFor(/curl -sS (\S+) -H '(\S+): <secret>' -H /)
    assert.equal((await post(to, { [header]: token })).status, 202)
    assert.ok(!(await second.stop()).stdout.includes(token))

    await writeConfigOf(folder.path, `{ scheme: github, secrets: [${token}] }`)
    await using third = start(['up'], { cwd: folder.path })
    await third.waitFor(/^Reviews to http:\S+ must be signed \(github\)\.$/)
    const { stdout } = await third.stop()
    assert.ok(!stdout.includes('curl') && !stdout.includes(token))
  })

  test('stores the item that corrects a faulty one, which was answered as unchanged', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    const send = async (url: string, body: string): Promise<unknown> => {
      const answer = await fetch(url, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      })
      const { accepted, unchanged, rejected } = (await answer.json()) as Record<string, number>
      return { accepted, unchanged, rejected }
    }
    const [faulty, correct, again] = ['yes', true, true].map((verified_purchase, helpful_votes) =>
      review('R1', { verified_purchase, helpful_votes }),
    )
    for (const start of ['first', 'second']) {
      const { process, webhook } = await startUp(folder.path)
      await using _ = process
      const none = { accepted: 0, unchanged: 0, rejected: 0 }
      assert.deepEqual(await send(webhook, faulty ?? ''), { ...none, rejected: 1 }, start)
      assert.deepEqual(await send(webhook, correct ?? ''), { ...none, accepted: 1 }, start)
      assert.deepEqual(await send(webhook, again ?? ''), { ...none, unchanged: 1 }, start)
      const both = async () => ((await rows(folder.path)).length === 2 ? true : undefined)
      await eventually(both, 'both to be stored')
      assert.equal((await process.stop()).code, 0)
    }
    const stored = await rows(folder.path)
    assert.deepEqual(
      new Map(stored.map(({ raw, verdict: { status } }) => [raw, status])),
      new Map([
        [faulty, 'rejected'],
        [correct, 'accepted'],
      ]),
    )
    assert.equal((await json<{ ok: boolean }>(['audit'], folder.path)).ok, true)
  })

  test('answers for its health and its metrics', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    const { process, webhook, admin } = await startUp(folder.path)
    await using _ = process
    await fetch(webhook, {
      method: 'POST',
      body: review('R1'),
      headers: { 'content-type': 'application/json' },
    })
    for (const path of ['/health/live', '/health/ready'])
      assert.equal((await fetch(admin + path)).status, 200, path)
    // The page of the console; where it was not built, what there is instead.
    assert.match(await (await fetch(admin)).text(), /<title>Headwater<\/title>|^\/metrics /m)
    const sources = (await (await fetch(`${admin}/health/sources`)).json()) as object[]
    assert.partialDeepStrictEqual(sources, [{ name: 'hook', type: 'webhook', state: 'running' }])
    await eventually(async () => {
      const metrics = await (await fetch(`${admin}/metrics`)).text()
      return /headwater_reviews_stored_total\{source="hook"\} 1\b/.test(metrics) ? metrics : undefined
    }, 'the review in the metrics')
  })

  test('until drained ends by itself, counts by run, and goes on with the same data', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(
      folder.path,
      '  - { name: simulator, type: simulator, rate: 2000, count: 300, invalid: 0.1 }',
    )
    const first = await json<Record<string, number>>(['up', '--until-drained'], folder.path)
    assert.equal(first['received'], 300)
    assert.equal(first['rejected'], 30)
    assert.equal(300, (first['stored'] ?? 0) + (first['unchanged'] ?? 0) + (first['rejected'] ?? 0))
    const second = await json<Record<string, number>>(['up', '--until-drained'], folder.path)
    assert.equal(second['received'], 0, 'the simulator goes on where it was')
    assert.equal((await rows(folder.path)).length, (first['stored'] ?? 0) + (first['rejected'] ?? 0))
  })

  test('ingest and store share the work as separate processes', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    const ingest = await startUp(folder.path, 'ingest')
    await using _ = ingest.process
    const store = await startUp(folder.path, 'store')
    await using __ = store.process
    const body = Array.from({ length: 200 }, (___, n) => review(`R${n}`)).join('\n')
    const response = await fetch(ingest.webhook, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-ndjson' },
    })
    assert.equal(response.status, 202)
    await eventually(async () => ((await rows(folder.path)).length === 200 ? true : undefined), '200 rows')
    assert.equal((await ingest.process.stop()).code, 0)
    assert.equal((await store.process.stop()).code, 0)
  })
})

describe('the command line', () => {
  test('explains itself, and what was wrong: 2 for usage, 78 for the config', async () => {
    await using folder = await temporaryFolder()
    const at = { cwd: folder.path }
    const help = await run(['--help'], at)
    assert.equal(help.code, 0)
    for (const command of [
      'up',
      'ingest',
      'store',
      'import',
      'reviews',
      'dlq',
      'tail',
      'audit',
      'config',
      'provision',
    ]) {
      assert.match(help.stdout, new RegExp(`^  ${command}\\b`, 'm'))
      assert.match((await run([command, '--help'], at)).stdout, /Examples:|Commands:/, command)
    }
    const mistyped = await run(['improt', 'x'], at)
    assert.equal(mistyped.code, 2)
    assert.match(mistyped.stderr, /Did you mean import\?/)
    assert.equal((await run(['import', 'absent.ndjson'], at)).code, 1)
    assert.equal((await run(['up', '--until-drained'], at)).code, 2)

    await writeFile(
      join(folder.path, 'bad.yaml'),
      'sources: [{ name: a, type: webhok }]\nqueue: { type: embedded, retenton: 1h }\nstore: { type: embedded }\n',
    )
    const bad = await run(['config', 'check', '-c', 'bad.yaml'], at)
    assert.equal(bad.code, 78)
    assert.match(bad.stderr, /sources\[0\]\.type.*webhook/)
    assert.match(bad.stderr, /queue\.retenton.*retention/)
  })

  test('prints nothing but JSON with --json, and provisions what is needed, twice', async () => {
    await using folder = await temporaryFolder()
    for (let time = 0; time < 2; time++) {
      const { provisioned } = await json<{ provisioned: string[] }>(['provision'], folder.path)
      assert.equal(provisioned.length, 4)
    }
    assert.equal((await json<{ ok: boolean }>(['config', 'check'], folder.path)).ok, true)
    assert.ok(await json(['config', 'print'], folder.path))
    assert.equal((await json<{ ok: boolean }>(['audit'], folder.path)).ok, true)
  })

  test('says that a key is not there', async () => {
    await using folder = await temporaryFolder()
    const { code, stderr } = await run(['reviews', 'get', '0'.repeat(32)], { cwd: folder.path })
    assert.equal(code, 1)
    assert.match(stderr, /NOT_FOUND: 0+: no such record/)
  })
})

/** A config with a webhook that is verified so. */
async function writeConfigOf(folder: string, verify: string): Promise<void> {
  await writeConfig(folder)
  const path = join(folder, 'headwater.yaml')
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.replace('path: /hooks/hook', `verify: ${verify}`))
}
