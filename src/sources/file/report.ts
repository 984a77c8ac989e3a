import type { SourceContext } from '../source.ts'

/** Tells about trouble with a path once, when it begins or changes, and once when it is over. */
export interface Report {
  trouble(path: string, error: Error): void
  well(path: string): void
  /** There is no such path any more, and nothing to tell of it. */
  forget(path: string): void
}

export function createReport({ name: source, logger }: Pick<SourceContext, 'name' | 'logger'>): Report {
  const told = new Map<string, string>()
  return {
    trouble(path, { message }) {
      if (told.get(path) === message) return
      told.set(path, message)
      logger.warn({ source, path }, `${message}; it is tried again`)
    },
    well(path) {
      if (told.delete(path)) logger.info({ source, path }, `${path} can be read again`)
    },
    forget: (path) => void told.delete(path),
  }
}
