import type { Change } from '../services/changes.ts'
import type { Registry } from '../stores/registry.ts'
import { who } from './who.ts'

/** Puts what was done by the command line into the log of changes. */
export async function noteChange(
  registry: Registry,
  change: Pick<Change, 'what' | 'about' | 'details'>,
): Promise<void> {
  const { openChanges } = await import('../services/changes.ts')
  await openChanges(registry).note({ who: who(), ...change })
}
