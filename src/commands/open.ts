import type { Environment } from '../app.ts'
import type { Queue } from '../queues/queue.ts'
import type { Registry } from '../stores/registry.ts'
import type { Store } from '../stores/store.ts'

// The rooms are loaded by the command that needs them: `--help` and a mistyped option are answered at once.

/** Opens the store that the config names. */
export async function openStore(env: Environment): Promise<Store> {
  return (await import('../app.ts')).openStore(env)
}

/** Opens the queue of one topic. */
export async function openQueue(env: Environment, topic: string): Promise<Queue> {
  return (await import('../app.ts')).openQueue(env, topic)
}

/** Opens the registry that the config names. */
export async function openRegistry(env: Environment): Promise<Registry> {
  return (await import('../app.ts')).openRegistry(env)
}
