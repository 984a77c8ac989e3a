import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Something that lies beside the sources: in a clone two folders up, in a package with its built sources three. */
export function besideSources(path: string): string {
  const inClone = join(import.meta.dirname, '../..', path)
  return existsSync(inClone) ? inClone : join(import.meta.dirname, '../../..', path)
}
