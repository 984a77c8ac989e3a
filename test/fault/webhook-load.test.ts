import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { backlogOf, eventually, freePort, json, startUp, type Up, writeConfig } from '../support/pipeline.ts'
import { start } from '../support/cli.ts'
import { post } from '../support/post.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

const COUNT = Number(process.env['HEADWATER_LOAD_COUNT'] ?? 50_000)
const KILLS = Number(process.env['HEADWATER_LOAD_KILLS'] ?? 3)
const CONNECTIONS = 32
const A_REQUEST = 10

test(`of ${COUNT} reviews over ${CONNECTIONS} connections, killed ${KILLS} times: every one that got a 2xx is stored, once`, async () => {
  await using folder = await temporaryFolder()
  await writeConfig(folder.path, '', await freePort())
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const confirmed = new Set<number>()
  let up: Up = await startUp(folder.path)
  const url = up.webhook
  let next = 0
  let isOver = false

  /** Sends one request after the other; one without a 2xx is sent again, as every provider does. */
  async function sender(): Promise<void> {
    while (!isOver && next < COUNT) {
      const first = next
      next += A_REQUEST
      const body = Array.from({ length: A_REQUEST }, (_, n) => review(`R${first + n}`)).join('\n')
      while (!isOver && (await post(url, body, agent)) !== 202) await sleep(50)
      for (let n = first; n < first + A_REQUEST; n++) confirmed.add(n)
    }
  }

  const senders = Promise.all(Array.from({ length: CONNECTIONS }, sender))
  try {
    for (let kill = 1; kill <= KILLS; kill++) {
      const enough = (COUNT * kill) / (KILLS + 1)
      await eventually(async () => (confirmed.size >= enough ? true : undefined), `${enough} confirmed`)
      await up.process.kill()
      up = await startUp(folder.path)
    }
    await senders
    assert.equal(confirmed.size, COUNT)
    await eventually(async () => (await backlogOf(up.admin)) === 0 || undefined, 'an empty backlog', 300_000)
    assert.equal((await up.process.stop()).code, 0)
  } finally {
    isOver = true
    await up.process.kill()
    agent.destroy()
  }

  await using exporting = start(['reviews', 'export', '--raw'], { cwd: folder.path })
  const { stdout } = await exporting.exited
  const rows = stdout.split('\n').filter(Boolean)
  const expected = new Set(Array.from({ length: COUNT }, (_, n) => review(`R${n}`)))
  assert.equal(rows.length, COUNT, 'each once')
  for (const row of rows) assert.ok(expected.delete(row), `invented, altered or twice: ${row}`)
  assert.equal((await json<{ ok: boolean }>(['audit'], folder.path)).ok, true)
})
