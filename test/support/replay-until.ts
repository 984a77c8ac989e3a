// Goes on with a replay and ends itself, as a power cut would, right behind the page that is named, which is published then
// and not yet noted: node replay-until.ts DATA_DIR JOB PAGE
import { loadPreset } from '../../src/presets/index.ts'
import { compileRules } from '../../src/presets/rules.ts'
import embeddedQueue from '../../src/queues/embedded/index.ts'
import { runJob } from '../../src/services/jobs.ts'
import { queueContext } from './queue-context.ts'
import { openPlace } from './services.ts'

const [dataDir = '', id = '', page] = process.argv.slice(2)
await using place = await openPlace(dataDir)
const rules = compileRules(await loadPreset('canonical'))

let pages = 0
await runJob(id, {
  ...place,
  reviews: place.queue,
  async openTarget(target) {
    if (target.to !== 'topic') throw new Error('expected a topic')
    const queue = await embeddedQueue.open(embeddedQueue.config.parse({}), queueContext(dataDir, target.name))
    return {
      async publish(...given) {
        const refused = await queue.publish(...given)
        if (++pages === Number(page)) process.kill(process.pid, 'SIGKILL')
        return refused
      },
      [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
    }
  },
  openRules: async () => async () => rules,
  number: () => ({ run: String(process.pid), seq: 0 }),
  clock: Date.now,
  signal: new AbortController().signal,
})
