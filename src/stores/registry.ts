import type { Cancellable } from '../batch.ts'

export interface Entry {
  readonly name: string
  readonly value: Buffer
  readonly revision: number
}

/** Small facts that must survive: checkpoints, leases, the ledger. Linearizable per name, durable when it resolves. */
export interface Registry extends AsyncDisposable {
  get(name: string, options?: Cancellable): Promise<Entry | undefined>
  /** Writes if the revision is still this one (0: not there yet). False when somebody was faster. */
  compareAndSet(name: string, revision: number, value: Uint8Array, options?: Cancellable): Promise<boolean>
  /** In the order of the names, in bounded memory. */
  list(prefix: string, options?: Cancellable): AsyncIterable<Entry>
  /** Removes if the revision is still this one. */
  remove(name: string, revision: number, options?: Cancellable): Promise<boolean>
}

/** Writes an entry whatever it holds by now: of several who write at the same time, the last one's stays. */
export async function overwrite(
  registry: Pick<Registry, 'get' | 'compareAndSet'>,
  name: string,
  value: Uint8Array,
  options?: Cancellable,
): Promise<void> {
  while (true) {
    const entry = await registry.get(name, options)
    if (await registry.compareAndSet(name, entry?.revision ?? 0, value, options)) return
  }
}
