// Puts numbered records into a store of any kind in a process of its own, to be killed, several batches at a time, and prints
// what was acknowledged: node store-putter.ts MODULE FIRST COUNT SETTINGS_JSON; a line is `FIRST COUNT`.
import { pathToFileURL } from 'node:url'
import { retry } from '../../src/lib/retry.ts'
import type { StoreAdapter } from '../../src/stores/store.ts'
import { silent } from './queue-context.ts'
import { numbered, put } from './records.ts'

const [module = '', first = '0', count = '0', settings = '{}'] = process.argv.slice(2)
const { default: adapter } = (await import(pathToFileURL(module).href)) as { default: StoreAdapter<unknown> }
const { signal } = new AbortController()
const context = { logger: silent, signal, dataDir: '.' }
await using store = await adapter.open(adapter.config.parse(JSON.parse(settings)), context)
process.stdout.write('open\n')

const SIZE = 20
const end = Number(first) + Number(count)
let next = Number(first)
await Promise.all(
  [1, 2, 3].map(async () => {
    for (let from = next; from < end; from = next) {
      const size = Math.min(SIZE, end - from)
      next = from + size
      await retry(() => put(store, numbered(size, from)), signal, { baseMs: 50, maxMs: 500 })
      process.stdout.write(`${from} ${size}\n`)
    }
  }),
)
