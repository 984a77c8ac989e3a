import type { SecretManager } from './secret-manager.ts'

export type Managers = Readonly<Record<string, () => Promise<{ readonly default: SecretManager }>>>

/** Every manager of secrets there is, by the prefix of its references. It is loaded only when one is named. */
export const managers: Managers = {
  'aws-sm': () => import('./aws-sm.ts'),
  'gcp-sm': () => import('./gcp-sm.ts'),
  vault: () => import('./vault.ts'),
}
