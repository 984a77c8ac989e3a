import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLive } from '../../../src/commands/live.ts'
import type { Status } from '../../../src/pipeline.ts'

const STATUS: Status = {
  received: 12_345,
  published: 12_345,
  repeated: 0,
  stored: 12_000,
  rejected: 5,
  unchanged: 340,
  freshnessMs: 43,
  backlog: 0,
  progress: [],
}

test('the live line fits the terminal, also where that does not tell its width', () => {
  for (const columns of [40, 0]) {
    const { live, written } = opened({ isTTY: true, columns })
    live.update(STATUS)
    const [line = ''] = written
    assert.match(line, /^\rreceived 12,345 · stored 12,000.*\u001b\[K$/)
    assert.equal(line.length, '\r\u001b[K'.length + (columns || 80) - 1)
  }
})

test('a status that came late was written behind the summary: the live line ends for good', () => {
  const { live, written } = opened({ isTTY: true, columns: 80 })
  live.update(STATUS)
  live.end()
  live.update(STATUS)
  assert.deepEqual(written.slice(1), ['\r\u001b[K'])
})

test('without a terminal there are plain lines, no more than one in five seconds', () => {
  let now = 0
  const { live, written } = opened({ isTTY: false, columns: 0 }, () => now)
  for (now of [0, 4_999, 5_000, 10_000]) live.update({ ...STATUS, stored: now })
  live.end()
  live.update({ ...STATUS, stored: 1 })
  assert.deepEqual(
    written.map((line) => /stored (\S+)/.exec(line)?.[1]),
    ['0', '5,000', '10,000'],
  )
  assert.ok(written.every((line) => /^received .*\n$/.test(line)))
})

test('how far it has come is told, how long it will take only where the end is known', () => {
  const known = { done: 512, total: 2_048, unit: 'bytes' } as const
  const endless = { done: 1_536, unit: 'bytes' } as const
  const cases: readonly (readonly [Status['progress'], string])[] = [
    [[known], '25 % of 2 KiB · 1,235/s · 30 s left · received 12,345'],
    [[{ done: 5, total: 20, unit: 'items' }], '25 % · 1,235/s · 30 s left · received 12,345'],
    [[endless], '1.5 KiB read · 1,235/s · received 12,345'],
    [[known, endless], '2 KiB read · 1,235/s · received 12,345'],
    [[endless, { done: 5, total: 20, unit: 'items' }], '1,235/s · received 12,345'],
    [[{ done: 0, total: 0, unit: 'bytes' }], 'received 12,345'],
    [[], 'received 12,345'],
  ]
  for (const [progress, expected] of cases) {
    let now = 0
    const { live, written } = opened({ isTTY: false, columns: 0 }, () => now)
    now = 10_000
    live.update({ ...STATUS, progress })
    assert.ok(written[0]?.startsWith(`${expected} · stored`), written[0])
  }
})

function opened(about: { isTTY: boolean; columns: number }, clock = () => 0) {
  const written: string[] = []
  const stdout = { ...about, write: (text: string) => written.push(text) > 0 } as NodeJS.WriteStream
  return { live: createLive({ stdout }, clock), written }
}
