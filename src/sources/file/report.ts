import type { SourceContext } from '../source.ts'
import { createTroubles } from '../troubles.ts'

/** Tells about trouble with a path once, when it begins or changes, and once when it is over. */
export interface Report {
  trouble(path: string, error: Error): void
  well(path: string): void
  /** There is no such path any more, and nothing to tell of it. */
  forget(path: string): void
}

export function createReport(context: Pick<SourceContext, 'name' | 'logger' | 'trouble'>): Report {
  const { name: source, logger, trouble } = context
  const troubles = createTroubles<string>(trouble)
  return {
    trouble(path, { message }) {
      if (troubles.add(path, message)) logger.warn({ source, path }, `${message}; it is tried again`)
    },
    well(path) {
      if (troubles.delete(path)) logger.info({ source, path }, `${path} can be read again`)
    },
    forget: (path) => void troubles.delete(path),
  }
}
