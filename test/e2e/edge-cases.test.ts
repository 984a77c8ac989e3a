import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { outputOf, run } from '../support/cli.ts'
import { EDGE_CASES, type EdgeCase, type Item } from '../support/edge-cases.ts'
import { json, lines, type Row, startUp, writeConfig } from '../support/pipeline.ts'
import { temporaryFolder } from '../support/temp.ts'

interface Answer {
  readonly received: number
  readonly accepted: number
  readonly unchanged: number
  readonly rejected: number
  readonly errors: readonly { readonly index: number; readonly code: string }[]
}

/** What came in, as a row tells it, and the case that it is of. */
interface Stored extends Row {
  readonly rawHash: string
  readonly context: { readonly delivery?: string; readonly from?: string; readonly position: number }
}

/** Each takes a process of its own; `export --raw` brings all of them. */
const ASKED_FOR_ONE_BY_ONE = new Set([
  'a byte that is no UTF-8',
  'a NUL in a text',
  'an escaped lone surrogate',
  '20 MB of text, compressed',
  'pretty-printed with CRLF',
  '10000 levels',
])

const isAccepted = ({ code }: Item): boolean => code === 'accepted'

describe('edge cases of JSON, each with its answer, and nothing lost or altered', () => {
  test('by webhook', async (t) => {
    await using folder = await temporaryFolder()
    await writeConfig(
      folder.path,
      '  - { name: edges, type: webhook, verify: { scheme: shared-secret, secrets: [open sesame], delivery_header: x-delivery } }',
    )
    const up = await startUp(folder.path)
    await using _ = up.process
    const url = up.webhook.replace('/hooks/hook', '/hooks/edges')
    for (const edge of EDGE_CASES) {
      await t.test(edge.name, async () => {
        const response = await fetch(url, {
          method: 'POST',
          body: new Uint8Array(edge.body),
          headers: {
            'content-type': 'application/json',
            'x-webhook-secret': 'open sesame',
            'x-delivery': edge.name,
            ...(edge.gzip && { 'content-encoding': 'gzip' }),
          },
        })
        const answer = (await response.json()) as Answer
        assert.equal(response.status, edge.status ?? 202, JSON.stringify(answer))
        if (edge.status !== undefined) return
        const accepted = edge.items.filter(isAccepted).length
        const received = edge.items.length
        const { errors, ...counts } = answer
        assert.deepEqual(counts, { received, accepted, unchanged: 0, rejected: received - accepted })
        assert.deepEqual(
          errors.map(({ index, code }) => [index, code]),
          edge.items.flatMap((item, index) => (isAccepted(item) ? [] : [[index, item.code]])),
        )
      })
    }
    assert.equal((await fetch(`${up.admin}/health/ready`)).status, 200)
    assert.equal((await fetch(`${up.admin}/health/live`)).status, 200)
    const { code, stderr } = await up.process.stop()
    assert.equal(code, 0, stderr)
    assert.doesNotMatch(stderr, /"level":"error"/)
    const taken = EDGE_CASES.filter(({ status }) => status === undefined)
    const rows = await assertStored(folder.path, taken, ({ context }) => context.delivery ?? '')
    await assertReadInPython(folder.path, rows, t)
    for (const { key, rawHash, context } of rows) {
      if (!ASKED_FOR_ONE_BY_ONE.has(context.delivery ?? '')) continue
      assert.equal(sha256(await outputOf(['reviews', 'get', key, '--raw'], folder.path)), rawHash)
    }
  })

  test('by file', async (t) => {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, 'edges'))
    const nameOf = (edge: EdgeCase): string => `edges/${EDGE_CASES.indexOf(edge)}.json`
    for (const edge of EDGE_CASES) await writeFile(join(folder.path, nameOf(edge)), edge.body)
    const { seconds: _, ...counts } = await json<Record<string, number>>(
      ['import', ...EDGE_CASES.map(nameOf)],
      folder.path,
    )
    const items = EDGE_CASES.flatMap((edge) => edge.items)
    const stored = items.filter(isAccepted).length
    const received = items.length
    assert.deepEqual(counts, {
      received,
      published: received,
      unchanged: 0,
      rejected: received - stored,
      stored,
    })
    const names = new Map(EDGE_CASES.map((edge) => [nameOf(edge), edge.name]))
    const rows = await assertStored(
      folder.path,
      EDGE_CASES,
      ({ context }) => names.get(context.from ?? '') ?? '',
    )
    await assertReadInPython(folder.path, rows, t)
  })
})

/** Every item of every case is a row with its reason and its exact bytes, however they are asked for. */
async function assertStored(
  folder: string,
  cases: readonly EdgeCase[],
  caseOf: (row: Stored) => string,
): Promise<readonly Stored[]> {
  const rows = await lines<Stored>(['reviews', 'export'], folder)
  for (const { name, items } of cases) {
    const found = rows
      .filter((row) => caseOf(row) === name)
      .toSorted((a, b) => a.context.position - b.context.position)
    const codes = found.map(({ verdict }) => verdict.code ?? verdict.status)
    assert.deepEqual(
      codes,
      items.map(({ code }) => code),
      name,
    )
    assert.deepEqual(
      found.map(({ rawHash }) => rawHash),
      items.map(({ raw }) => sha256(raw)),
      name,
    )
  }
  const expected = cases.flatMap(({ items }) => items.map(({ raw }) => sha256(raw))).toSorted()
  const framed = await outputOf(['reviews', 'export', '--raw', '--framing', 'length'], folder)
  assert.deepEqual(itemsIn(framed).map(sha256).toSorted(), expected, 'export --raw')
  assert.equal((await run(['audit'], { cwd: folder })).code, 0)
  return rows
}

/** What `reviews export --raw --framing length` wrote: the length of each item on a line before it. */
function itemsIn(framed: Buffer): readonly Buffer[] {
  const items: Buffer[] = []
  for (let at = 0; at < framed.length; ) {
    const start = framed.indexOf('\n', at) + 1
    const end = start + Number(framed.toString('latin1', at, start - 1))
    assert.equal(framed[end], 0x0a)
    items.push(framed.subarray(start, end))
    at = end + 1
  }
  return items
}

interface Found {
  readonly key: string
  readonly type: string
  readonly encoding: string
  readonly same: boolean
  readonly hash: string
}

/** Both topics, as a consumer in Python reads them. */
async function assertReadInPython(folder: string, rows: readonly Stored[], t: TestContext): Promise<void> {
  await t.test('every event is read in Python, and the exact bytes are where they should be', async (t) => {
    if (spawnSync('python3', ['--version']).status !== 0) return t.skip('python3 absent')
    const raws = new Map<string, Buffer>()
    for (const row of rows)
      raws.set(row.key, Buffer.from(row.rawBase64 ?? row.raw ?? '', row.rawBase64 ? 'base64' : 'utf8'))
    const of = (status: string) =>
      rows.filter(({ verdict }) => verdict.status === status).map(({ key }) => key)
    const topics = [
      ['raw-reviews', 'review.received.v1', of('accepted')],
      ['dead-letter-queue', 'review.rejected.v1', of('rejected')],
    ] as const
    for (const [topic, type, keys] of topics) {
      const events = await outputOf(['tail', topic, '--json', '--limit', String(keys.length)], folder)
      const program = join(import.meta.dirname, '../support/read-events.py')
      const { status, stdout, stderr } = spawnSync('python3', [program], {
        input: events,
        maxBuffer: 2 ** 24,
      })
      assert.equal(status, 0, stderr.toString())
      const found = stdout
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Found)
      assert.deepEqual(found.map(({ key }) => key).toSorted(), keys.toSorted())
      for (const event of found) {
        const raw = raws.get(event.key) ?? Buffer.alloc(0)
        // So that an event is one line, `tail` writes line breaks between tokens as blanks.
        const onOneLine = event.encoding === 'json' ? raw.toString().replaceAll(/[\r\n]/g, ' ') : raw
        assert.deepEqual([event.type, event.same], [type, true])
        assert.equal(event.hash, `sha256:${hash('sha256', onOneLine, 'hex')}`, raw.toString('utf8', 0, 200))
      }
    }
  })
}

const sha256 = (raw: Buffer): string => hash('sha256', raw, 'hex')
