import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createBell } from '../../src/lib/bell.ts'
import type { Order, Told } from './lease-worker.ts'

const program = join(import.meta.dirname, 'lease-worker.ts')
const PARTS = Array.from({ length: 24 }, (_, n) => `B${n}`)
const PATIENCE_MS = 60_000

interface Saved {
  readonly part: string
  readonly fence: number
  readonly at: number
  readonly by: Worker
}

interface Worker {
  readonly process: ChildProcess
  has: readonly string[]
  /** Since it was last told to hesitate. */
  hesitates: boolean
  refused: boolean
}

/**
 * Three processes share parts by leases, each counting up the checkpoints of those that it has, while one is killed, one is
 * stopped in the middle of its work and wakes up, and one ends: the others follow, and no count is ever saved twice, or by
 * a process that was followed. `module` is the adapter's own file.
 */
export async function raceForLeases(module: string, settings: object, leaseMs: number): Promise<void> {
  const saved: Saved[] = []
  const workers: Worker[] = []
  const bell = createBell()

  function start(): Worker {
    const child = fork(program, [module, JSON.stringify(settings), JSON.stringify(PARTS), String(leaseMs)])
    const worker: Worker = { process: child, has: [], hesitates: false, refused: false }
    child.on('message', (told: Told) => {
      if (told.kind === 'has') worker.has = told.parts
      if (told.kind === 'saved') saved.push({ ...told, by: worker })
      if (told.kind === 'hesitates') worker.hesitates = true
      if (told.kind === 'refused') worker.refused = true
      bell.ring()
    })
    child.on('exit', bell.ring)
    workers.push(worker)
    return worker
  }

  async function until(what: string, isSo: () => boolean): Promise<void> {
    const late = AbortSignal.timeout(PATIENCE_MS)
    while (!isSo()) {
      assert.ok(!late.aborted, what)
      await bell.wait(late)
    }
  }

  const tell = ({ process: child }: Worker, order: Order): void => void child.send(order)
  const isShared = (among: readonly Worker[]): boolean =>
    among.every(({ has }) => has.length > 0) && among.flatMap(({ has }) => has).length === PARTS.length
  /** Every part is counted up by one of these from now on. */
  async function areFollowedBy(heirs: readonly Worker[]): Promise<void> {
    const from = saved.length
    const isCounted = (part: string): boolean =>
      saved.slice(from).some((each) => each.part === part && heirs.includes(each.by))
    await until('all parts are followed', () => PARTS.every(isCounted))
  }

  try {
    const [killed, paused, ending] = [start(), start(), start()]
    await until('three share the parts', () => isShared([killed, paused, ending]))
    killed.process.kill('SIGKILL')
    await once(killed.process, 'exit')
    await areFollowedBy([paused, ending])

    const [part = ''] = paused.has
    tell(paused, { hesitate: part })
    await until('one works on a part', () => paused.hesitates)
    tell(paused, 'freeze')
    await areFollowedBy([ending])
    tell(paused, 'save')
    paused.process.kill('SIGCONT')
    await until('what was begun before the pause is refused', () => paused.refused)
    await until('two share the parts', () => isShared([paused, ending]))

    tell(ending, 'stop')
    const [code] = (await once(ending.process, 'exit')) as [number | null]
    assert.equal(code, 0)
    await areFollowedBy([paused])
    tell(paused, 'stop')
    await once(paused.process, 'exit')
    for (const each of PARTS) isCountedInOrder(saved.filter((one) => one.part === each))
  } finally {
    for (const worker of workers) worker.process.kill('SIGKILL')
  }
}

/** What one that was killed had saved last may not be told. */
function isCountedInOrder(counts: readonly Saved[]): void {
  const ordered = counts.toSorted((a, b) => a.at - b.at)
  for (const [n, { part, at, fence }] of ordered.entries()) {
    const before = ordered[n - 1]
    if (!before) continue
    assert.notEqual(at, before.at, `${part} was counted to ${at} twice`)
    assert.ok(fence >= before.fence, `${part}: ${at} under ${fence}, behind ${before.fence}`)
  }
}
