import type { FastifyInstance } from 'fastify'
import { createGetter } from '../lib/pointer.ts'
import { shapeOf } from '../review/cluster.ts'
import { candidateOf, type Rules } from '../review/interpret.ts'
import { createBrowser } from '../services/browse.ts'
import { createClusterList } from '../services/cluster-list.ts'
import type { Stored } from '../stores/store.ts'
import { createAccess } from './access.ts'
import { openAdmin } from './admin.ts'
import type { ApiParts } from './api/parts.ts'
import { createAttempts } from './attempts.ts'
import { type Page, readPage } from './page.ts'
import { createSessions } from './sessions.ts'

/** What the console is opened with: the rest it makes itself. */
export interface ConsoleParts extends Omit<ApiParts, 'browse' | 'clusters' | 'access' | 'shapeOf'> {
  /** The rules to interpret a stored record by. */
  readonly rules: (record: Stored) => Promise<Rules>
  /** Milliseconds that nobody sets, for durations. */
  readonly steady: () => number
  /** The built page; what lies beside the sources unless told. */
  readonly page?: Page | undefined
}

/** The listener for operators, not listening yet. */
export async function openConsole(parts: ConsoleParts): Promise<FastifyInstance> {
  const { config, store, clock, steady, stopping, rules } = parts
  const { token, readOnlyToken, publicUrl } = config.admin
  const sessions = createSessions(steady)
  const attempts = createAttempts(steady)
  return openAdmin({
    ...parts,
    page: parts.page ?? (await readPage()),
    browse: createBrowser(store, { clock, steady }),
    clusters: createClusterList(store, { clock, signal: stopping }),
    access: createAccess({ token, readOnlyToken, publicUrl, sessions, attempts }),
    shapeOf: (record) => shapeAtFault(record, rules),
  })
}

async function shapeAtFault(record: Stored, rules: ConsoleParts['rules']): Promise<string | undefined> {
  const { verdict } = record
  if (verdict.status !== 'rejected' || verdict.errors[0] === undefined) return undefined
  try {
    const candidate = candidateOf(record, await rules(record))
    return candidate && shapeOf(createGetter(verdict.errors[0].pointer)(candidate))
  } catch {
    return undefined // the config has no rules for it any more
  }
}
