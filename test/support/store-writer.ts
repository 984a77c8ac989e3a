import { writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { openStore } from '../../src/stores/embedded/store.ts'
import { acceptedVerdict, numbered, put } from './records.ts'

/**
 * Writes numbered records into a folder and prints what was acknowledged, a line each: `put <first> <count>`,
 * `amend <number>`, `erase <number>`. Batches have all sizes; several are under way at a time.
 */
const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: '' },
    first: { type: 'string', default: '0' },
    count: { type: 'string', default: 'Infinity' },
    origin: { type: 'string', default: 'shop' },
    'put-only': { type: 'boolean', default: false },
  },
})

const { origin, folder } = values
const end = Number(values.first) + Number(values.count)
const sizes = [1, 300, 7, 40, 1, 1_100, 90]
await using store = await openStore(folder)
let next = Number(values.first)

await Promise.all([work(0), work(1), work(2)])

async function work(lane: number): Promise<void> {
  for (let turn = lane; next < end; turn++) {
    const first = next
    const size = Math.min(sizes[turn % sizes.length] ?? 1, end - first)
    next += size
    const records = numbered(size, first, { origin })
    await put(store, records)
    acknowledge(`put ${first} ${size}`)
    if (!values['put-only']) await change(first, records[0]?.key ?? '', turn)
  }
}

async function change(number: number, key: string, turn: number): Promise<void> {
  if (turn % 3 === 0) {
    await store.amend(key, 0, acceptedVerdict(`R${number}`, 'amended'))
    acknowledge(`amend ${number}`)
  } else if (turn % 3 === 1) {
    await store.erase([key])
    acknowledge(`erase ${number}`)
  }
}

function acknowledge(line: string): void {
  writeSync(1, `${line}\n`)
}
