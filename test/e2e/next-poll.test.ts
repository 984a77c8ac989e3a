import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NextPoll } from '../../src/sources/source.ts'
import { run } from '../support/cli.ts'
import { eventually, lines, startUp, writeConfig } from '../support/pipeline.ts'
import { openProvider } from '../support/provider.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

const PRODUCTS = Array.from({ length: 12 }, (_, n) => `P${n}`)
const EVERY_MS = 3_600_000

interface Told {
  readonly name: string
  readonly paused: boolean
  readonly nextPoll?: { readonly state: NextPoll['state']; readonly at?: string }
}

test('the next poll is that of whichever process comes first, and is told by the command line and by each console', async () => {
  await using folder = await temporaryFolder()
  await using processes = new AsyncDisposableStack()
  await using provider = await openProvider(() => ({
    body: `[${review('R1')}]`,
    headers: { 'content-type': 'application/json' },
  }))
  const listed = JSON.stringify(PRODUCTS)
  const poll = `type: http-poll, url: "${provider.url}/{product}", products: ${listed}, every: 1h, lease: 2s`
  await writeConfig(folder.path, `  - { name: shop, ${poll}, headers: { x-process: "\${PROCESS:-none}" } }`)
  const begin = async (PROCESS: string) => {
    const up = await startUp(folder.path, 'ingest', { PROCESS })
    processes.use(up.process)
    return up
  }
  const told = async (): Promise<Told> => {
    const [, shop] = await lines<Told>(['sources', 'list'], folder.path)
    return shop ?? assert.fail('there are two')
  }
  const toldBy = async ({ admin }: { readonly admin: string }): Promise<Told> => {
    const [, shop] = (await (await fetch(`${admin}/api/sources`)).json()) as Told[]
    return shop ?? assert.fail('there are two')
  }
  const planned = (look: () => Promise<Told>): Promise<number> =>
    eventually(async () => {
      const { nextPoll } = await look()
      return nextPoll?.state === 'planned' ? Date.parse(nextPoll.at ?? '') : undefined
    }, 'the next poll to be planned')

  assert.equal((await told()).nextPoll, undefined, 'nobody runs it')
  const one = await begin('one')
  const other = await begin('other')
  const earliest = async (): Promise<number> => {
    const asked = await eventually(
      async () => (provider.asked.length >= PRODUCTS.length ? provider.asked : undefined),
      'all products to be polled',
    )
    return Math.min(...asked.map(({ at }) => at))
  }
  const first = await earliest()
  for (const look of [told, () => toldBy(one), () => toldBy(other)]) {
    const next = await planned(look)
    assert.ok(Math.abs(next - (first + EVERY_MS)) < 10_000, `${new Date(next).toISOString()}`)
  }
  const { stdout } = await run(['sources', 'list'], { cwd: folder.path })
  assert.match(stdout, /^shop +http-poll .* in (1 h|59 min( \d+ s)?) /m)

  await run(['sources', 'pause', 'shop'], { cwd: folder.path })
  assert.deepEqual(await told().then(({ paused, nextPoll }) => ({ paused, nextPoll })), {
    paused: true,
    nextPoll: { state: 'paused' },
  })
  await eventually(
    async () => ((await toldBy(other)).nextPoll?.state === 'paused' ? true : undefined),
    'the console to say that it is paused',
  )
  await run(['sources', 'resume', 'shop'], { cwd: folder.path })
  await planned(told)

  await one.process.kill()
  await planned(told) // the other one goes on
  await other.process.kill()
  assert.equal((await told()).nextPoll, undefined, 'nobody runs it any more')
})
