// Redrives one record and ends itself, as a power cut would, right behind the step that is named:
// node redrive-until.ts DATA_DIR KEY STEP [REVIEW_JSON]; steps: amend-1, publish-1, amend-2, none.
import { createLogger } from '../../src/telemetry/logs.ts'
import { loadPreset } from '../../src/presets/index.ts'
import { compileRules } from '../../src/presets/rules.ts'
import embeddedQueue from '../../src/queues/embedded/index.ts'
import { redrive } from '../../src/services/dead-letters.ts'
import embeddedStore from '../../src/stores/embedded/index.ts'
import { queueContext } from './queue-context.ts'

const [dataDir = '', key = '', step, json] = process.argv.slice(2)
const context = {
  dataDir,
  logger: createLogger({ level: 'warn', json: false }),
  signal: new AbortController().signal,
}

const counts = new Map<string, number>()
function stepDone(name: string): void {
  const count = (counts.get(name) ?? 0) + 1
  counts.set(name, count)
  if (`${name}-${count}` === step) process.kill(process.pid, 'SIGKILL')
}

await using store = await embeddedStore.open(embeddedStore.config.parse({}), context)
await using registry = await embeddedStore.openRegistry(embeddedStore.config.parse({}), context)
const queueConfig = embeddedQueue.config.parse({})
await using reviews = await embeddedQueue.open(
  queueConfig,
  queueContext(dataDir, 'raw-reviews', context.logger),
)
const rules = compileRules(await loadPreset('canonical'))

const result = await redrive(
  key,
  {
    store: {
      ...store,
      async amend(...given) {
        const amended = await store.amend(...given)
        stepDone('amend')
        return amended
      },
    },
    registry,
    reviews: {
      async publish(...given) {
        const refused = await reviews.publish(...given)
        stepDone('publish')
        return refused
      },
    },
    rules: async () => rules,
    number: () => ({ run: 'redrive', seq: 0 }),
    signal: context.signal,
  },
  json === undefined ? undefined : (JSON.parse(json) as Record<string, unknown>),
)
process.stdout.write(`${result.status}\n`)
