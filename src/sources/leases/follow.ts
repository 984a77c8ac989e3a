import type { Leases } from './leases.ts'

/** Repeats this whenever work may begin on other parts than before, until the signal aborts. */
export async function followLeases(
  leases: Pick<Leases, 'changed'>,
  update: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    // From before it is looked at, or what changes meanwhile would go unnoticed.
    const changed = leases.changed(signal)
    changed.catch(() => {}) // looked at below
    await update()
    await changed
  }
}
