import type { Registry } from './stores/registry.ts'
import type { DriftState } from './telemetry/drift/observer.ts'

/** What is kept of how a source's items are and were. */
export interface KeptDrift {
  readonly state: DriftState
  readonly revision: number
}

const VERSION = 1

/** Undefined where nothing is kept, or what another version has kept. */
export async function readDrift(
  registry: Registry,
  source: string,
  signal: AbortSignal,
): Promise<KeptDrift | undefined> {
  const entry = await registry.get(nameOf(source), { signal })
  if (entry === undefined) return undefined
  const { version, ...state } = JSON.parse(entry.value.toString()) as DriftState & { version: number }
  return version === VERSION ? { state, revision: entry.revision } : undefined
}

/** False where somebody else was faster. */
export async function writeDrift(
  registry: Registry,
  source: string,
  { state, revision }: KeptDrift,
  signal: AbortSignal,
): Promise<boolean> {
  const value = Buffer.from(JSON.stringify({ version: VERSION, ...state }))
  return await registry.compareAndSet(nameOf(source), revision, value, { signal })
}

const nameOf = (source: string): string => `drift/${source}`
