import { existsSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.env['HEADWATER_CAPTURES'] ?? join(import.meta.dirname, '../../../shared/data')

/** A file or folder of what providers really sent, and why the tests that read it are skipped, if they are. */
export interface Captured {
  readonly path: string
  readonly skip: string | false
}

export function captured(name: string): Captured {
  const path = join(folder, name)
  return {
    path,
    skip: existsSync(path) ? false : `captures absent: ${name} (HEADWATER_CAPTURES names their folder)`,
  }
}
