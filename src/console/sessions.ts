import { hash, randomBytes } from 'node:crypto'
import type { Role } from './access.ts'

/** Who has signed in. A session is known by a secret that only its cookie holds; all end with the process. */
export interface Sessions {
  /** Resolves to the secret. */
  begin(role: Role): string
  find(secret: string): Session | undefined
  end(secret: string): void
}

export interface Session {
  readonly role: Role
  /** Tells sessions apart, and is no secret. */
  readonly name: string
}

/** How long one lasts. */
export const SESSION_MS = 12 * 3_600_000
/** The oldest gives way to one more. */
const MOST = 1_000

/** `steady` is milliseconds that nobody sets. */
export function createSessions(steady: () => number): Sessions {
  /** By a digest, so that a copy of the memory opens nothing; oldest first. */
  const sessions = new Map<string, Session & { readonly until: number }>()
  const digest = (secret: string): string => hash('sha256', secret, 'hex')

  return {
    begin(role) {
      const secret = randomBytes(32).toString('base64url')
      const [oldest] = sessions.keys()
      if (sessions.size >= MOST && oldest !== undefined) sessions.delete(oldest)
      const id = digest(secret)
      sessions.set(id, { role, name: id.slice(0, 6), until: steady() + SESSION_MS })
      return secret
    },
    find(secret) {
      const id = digest(secret)
      const found = sessions.get(id)
      if (found && steady() < found.until) return { role: found.role, name: found.name }
      sessions.delete(id)
      return undefined
    },
    end: (secret) => void sessions.delete(digest(secret)),
  }
}
