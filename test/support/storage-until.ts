// Runs the storage service on a folder until all is stored, and ends itself as a power cut would where it is told to:
// node storage-until.ts DATA_DIR STEP; steps: put KEY (within each put of that accepted record), stored (behind the
// first put), settled (behind the first note in the ledger), none.
import type { Arrival } from '../../src/review/record.ts'
import { openPlace, storeAll } from './services.ts'

const [dataDir = '', step, culprit] = process.argv.slice(2)

function end(): void {
  process.kill(process.pid, 'SIGKILL')
}

const isCulprit = ({ key, status }: Arrival): boolean => key === culprit && status === 'accepted'

await using place = await openPlace(dataDir)
await storeAll(
  place,
  {
    store: (inner) => ({
      ...inner,
      async put(arrivals, options) {
        if (step === 'put' && arrivals.some(isCulprit)) end()
        const outcomes = await inner.put(arrivals, options)
        if (step === 'stored') end()
        return outcomes
      },
    }),
    ledger: (inner) => ({
      async settle(...given) {
        await inner.settle(...given)
        if (step === 'settled') end()
      },
    }),
  },
  `storage-${process.pid}`,
)
