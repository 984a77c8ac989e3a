import type { Change } from '../services/changes.ts'
import type { Registry } from '../stores/registry.ts'
import { who } from './who.ts'

type Noted = Pick<Change, 'what' | 'about' | 'details'>

/** Puts what the command line does into the log of changes. */
export async function noteChange(registry: Registry, change: Noted): Promise<void> {
  const { openChanges } = await import('../services/changes.ts')
  await openChanges(registry).note({ who: who(), ...change })
}

/** Makes a change that is in the log of changes before it is made; what came of it is added, where there is something to add. */
export async function makeChange<Made>(
  registry: Registry,
  change: Noted,
  work: () => Promise<Made>,
  outcome?: (made: Made) => Change['details'] | undefined,
): Promise<Made> {
  const { openChanges } = await import('../services/changes.ts')
  return openChanges(registry).make({ who: who(), ...change }, work, outcome)
}
