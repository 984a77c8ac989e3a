import { once } from 'node:events'
import { openRegistry } from '../../src/stores/embedded/registry.ts'
import { count } from '../conformance/registry.ts'

/** Says when it is ready, and when told counts as often as asked, and prints how many of 17 races to one entry it won. */
const [folder = '', times = '0'] = process.argv.slice(2)
await using registry = await openRegistry(folder)
process.send?.('ready')
await once(process, 'message')
const races = Array.from({ length: 17 }, () =>
  registry.compareAndSet('race', 0, Buffer.from(String(process.pid))),
)
const won = (await Promise.all(races)).filter(Boolean).length
await count(registry, 'counter', Number(times))
process.send?.(won)
process.disconnect()
