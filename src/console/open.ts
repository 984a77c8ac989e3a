import type { FastifyInstance } from 'fastify'
import type { TransientError } from '../errors.ts'
import type { Rules } from '../review/interpret.ts'
import type { LedgerEntry } from '../review/record.ts'
import { createBrowser } from '../services/browse.ts'
import { openChanges } from '../services/changes.ts'
import { createClusterList } from '../services/cluster-list.ts'
import type { JobParts } from '../services/job-work.ts'
import { numbered } from '../services/ledger.ts'
import { openMutes } from '../services/mutes.ts'
import { keptRepairs } from '../services/repairs.ts'
import type { Stored } from '../stores/store.ts'
import { createAccess } from './access.ts'
import { openAdmin } from './admin.ts'
import type { ApiParts } from './api/parts.ts'
import { summaryOf } from './api/reviews.ts'
import { createAttempts } from './attempts.ts'
import { openJobs } from './jobs.ts'
import { type Page, readPage } from './page.ts'
import { createSessions } from './sessions.ts'

/** What the console is opened with: the rest it makes itself. */
export interface ConsoleParts
  extends Omit<
    ApiParts,
    'browse' | 'clusters' | 'access' | 'jobs' | 'changes' | 'mutes' | 'kept' | 'openRules' | 'newNumber'
  > {
  /** The rules of today; of a preset where one is named. */
  readonly openRules: (preset?: string) => Promise<(record: Stored) => Promise<Rules>>
  readonly openTarget: JobParts['openTarget']
  /** A number of its own for each start of something that publishes. */
  readonly newRun: () => string
  /** Milliseconds that nobody sets, for durations. */
  readonly steady: () => number
  /** The built page; what lies beside the sources unless told. */
  readonly page?: Page | undefined
}

/** The rules are compiled anew at most so often: kept repairs change now and then. */
const RULES_MS = 2_000

/** The listener for operators, which does not listen yet; disposing of it closes it. */
export async function openConsole(parts: ConsoleParts): Promise<FastifyInstance & AsyncDisposable> {
  const { config, store, registry, clock, steady, stopping, logger } = parts
  const { token, readOnlyToken, publicUrl } = config.admin
  const sessions = createSessions(steady)
  const attempts = createAttempts(steady)
  const signal = stopping

  const newNumber = (): (() => LedgerEntry) => numbered(parts.newRun())

  const onTrouble = ({ code, message }: TransientError): void =>
    logger.warn({ code }, `${message}; a job waits and tries again`)
  const jobs = openJobs({ ...parts, number: newNumber(), signal, onTrouble })
  const app = openAdmin({
    ...parts,
    page: parts.page ?? (await readPage()),
    browse: createBrowser(store, { tell: summaryOf, clock, steady }),
    clusters: createClusterList(store, { clock, signal }),
    access: createAccess({ token, readOnlyToken, publicUrl, sessions, attempts }),
    openRules: rememberedFor(RULES_MS, steady, () => parts.openRules()),
    jobs,
    changes: openChanges(registry, clock),
    mutes: openMutes(registry, clock),
    kept: keptRepairs(registry),
    newNumber,
  })
  return Object.assign(app, {
    async [Symbol.asyncDispose]() {
      await app.close()
      await jobs[Symbol.asyncDispose]()
    },
  })
}

/** What was made last, while it is as young as that; what failed is made anew. */
function rememberedFor<Made>(
  ms: number,
  steady: () => number,
  make: () => Promise<Made>,
): () => Promise<Made> {
  let made: Promise<Made> | undefined
  let madeAt = 0
  return () => {
    if (made && steady() - madeAt < ms) return made
    const begun = make()
    made = begun
    madeAt = steady()
    begun.catch(() => void (made === begun && (made = undefined)))
    return begun
  }
}
