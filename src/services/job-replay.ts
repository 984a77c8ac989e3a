import type { Page, Stored } from '../stores/store.ts'
import { isGoing, type Job, type ReplayJob } from './job.ts'
import type { Held } from './job-owner.ts'
import { counted, createPatience, type JobParts, unhurried, type Worked } from './job-work.ts'
import { type Replayed, replayPage } from './replay.ts'
import { selectOf } from './replay-params.ts'

/**
 * Replays what the job is about, from where it is, and notes each page once it is published. The name of the replay is the
 * job: a page whose note was lost is published again with the same ids. The state of the job says why it ended.
 */
export async function workOnReplay(replay: ReplayJob, held: Held, parts: JobParts): Promise<void> {
  const { id: name, params } = replay
  const { store, number, signal, onProgress } = parts
  const { target } = params
  const patiently = createPatience(parts)
  const update = (change: (job: Job) => Job): Promise<Job> => patiently(() => held.update(change))

  const rules = await patiently(() => parts.openRules(params.preset))
  await using into = target && (await patiently(() => parts.openTarget(target)))

  async function readAgain(keys: readonly string[]): Promise<readonly Stored[]> {
    const found = await store.get(keys)
    return keys.flatMap((key) => found.get(key) ?? [])
  }

  /** Resolves to whether it did: not where somebody had paused or stopped the job, even if it was resumed since. */
  async function publish({ records, after }: Page): Promise<boolean> {
    let read: readonly Stored[] | undefined = records
    const keys = records.map(({ key }) => key)
    const replayed = await patiently(async () => {
      // Whoever pauses or stops it does not wait for a queue that is away.
      if (!isGoing(held.job())) return undefined
      // A review that is erased while the queue is away goes nowhere.
      const given = read ?? (await readAgain(keys))
      read = undefined
      return replayPage(given, { into, rules, name, number, signal: unhurried })
    })
    if (replayed === undefined) return false
    const job = await update((before) =>
      // It is repeated where its answer was lost.
      before.after === after ? before : { ...counted(before, workedOf(replayed)), after },
    )
    onProgress?.(job)
    return true
  }

  // What the store can not give for now is asked for again from where the job is by then.
  await patiently(async () => {
    const { after } = held.job()
    const window = { ...(after !== undefined && { after }), signal }
    for await (const page of store.scan({ ...selectOf(params), ...window })) {
      if (!isGoing(held.job()) || signal.aborted) return
      if (!(await publish(page))) return
    }
    await update((job) => (isGoing(job) ? { ...job, state: 'done' } : job))
  })
}

function workedOf({ published, rejected, refused, refusal = '' }: Replayed): Worked {
  const failed = [
    { code: 'rejected', message: 'still rejected by the rules of today', count: rejected },
    { code: 'refused', message: refusal, count: refused },
  ]
  return { passed: published, failed: failed.filter(({ count }) => count > 0) }
}

/** How far a replay is, in its own words. */
export function replayedBy({ done, passed, reasons }: Pick<Job, 'done' | 'passed' | 'reasons'>): Replayed {
  const [rejected, refused] = ['rejected', 'refused'].map((name) => reasons.find(({ code }) => code === name))
  return {
    looked: done,
    published: passed,
    rejected: rejected?.count ?? 0,
    refused: refused?.count ?? 0,
    ...(refused && { refusal: refused.message }),
  }
}
