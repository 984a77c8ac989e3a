import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { start } from '../support/cli.ts'
import { json } from '../support/pipeline.ts'
import { post } from '../support/post.ts'
import { review } from '../support/reviews.ts'
import type { TcpProxy } from '../support/servers/proxy.ts'

/** A kind of store, as the whole of Headwater uses it. */
export interface WholeHarness {
  /** The section `store:` of a config, through the wire, of a store of that name that is not there yet. */
  readonly section: (name: string) => object
  readonly wire: TcpProxy
  /** Ends the database as a power cut would, and starts it again. Absent where it is not ours. */
  readonly restart?: () => Promise<void>
}

/** From the environment where the counts are big ones. */
export const LIMIT_MS = Number(process.env['HEADWATER_STORE_LIMIT_MS'] ?? 300_000)

/** What is added to the section of a store: how long a server may take that has much to look through. */
export function patience(name: string): { readonly timeout?: string } {
  const timeout = process.env['HEADWATER_STORE_TIMEOUT']
  return timeout === undefined || name === 'outage' ? {} : { timeout }
}

const CONNECTIONS = 16
const A_REQUEST = 20
const PRODUCTS = 64

/** A review of an earlier or a later wording; every fiftieth lacks its user, and is a dead letter. */
export function itemAt(n: number, text = 'The lid fits, mostly.'): string {
  const fields = { product_id: `B${n % PRODUCTS}`, review_text: text }
  return review(`R${n}`, n % 50 === 7 ? { ...fields, user_id: undefined } : fields)
}

/** Posts them all over several connections: each request gets its 202 the first time. */
export async function postAll(
  webhook: string,
  items: readonly string[],
  onConfirmed: (count: number) => void,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  let next = 0

  async function sender(): Promise<void> {
    while (next < items.length) {
      const request = items.slice(next, next + A_REQUEST)
      next += A_REQUEST
      assert.equal(await post(webhook, request.join('\n'), agent), 202)
      onConfirmed(request.length)
    }
  }
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, sender))
  } finally {
    agent.destroy()
  }
}

/** What a command prints, line by line, however long it takes. */
export async function linesOf(args: readonly string[], cwd: string): Promise<string[]> {
  await using command = start(args, { cwd })
  const { code, stdout, stderr } = await command.exited
  assert.equal(code, 0, stderr)
  return stdout.split('\n').filter(Boolean)
}

export async function documentsOf<T>(args: readonly string[], cwd: string): Promise<T[]> {
  return (await linesOf([...args, '--json'], cwd)).map((line) => JSON.parse(line) as T)
}

export async function provision(cwd: string, config = 'headwater.yaml'): Promise<void> {
  await json(['provision', '-c', config], cwd)
}

/** Each of them is a row, once, byte for byte, and the store is sound. */
export async function assertStored(
  items: Iterable<string>,
  cwd: string,
  config = 'headwater.yaml',
): Promise<void> {
  const expected = new Set(items)
  const rows = await linesOf(['reviews', 'export', '--raw', '-c', config], cwd)
  assert.equal(rows.length, expected.size, 'each once')
  for (const row of rows) assert.ok(expected.delete(row), `invented, altered or twice: ${row}`)
  const [audit] = await documentsOf<{ ok: boolean; records: number }>(['audit', '-c', config], cwd)
  assert.deepEqual([audit?.ok, audit?.records], [true, rows.length])
}
