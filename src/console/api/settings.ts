import { z } from 'zod'
import { shown } from '../../config/print.ts'
import { lastProof, proofSchema } from '../../services/proof.ts'
import { readGuarantees } from '../guarantees.ts'
import { route, type Route } from '../route.ts'
import type { ApiParts } from './parts.ts'

const settings = z.object({
  config: z
    .record(z.string(), z.unknown())
    .meta({ description: 'What is in force, as `headwater config print` shows it: secrets are hidden.' }),
  guarantees: z.array(z.object({ number: z.int(), promise: z.string(), tests: z.array(z.string()) })),
  proof: proofSchema.optional().meta({ description: 'What the last `headwater audit` has found.' }),
})

export type SettingsDetails = z.output<typeof settings>

export function settingsRoutes({
  config,
  registry,
}: Pick<ApiParts, 'config' | 'registry'>): readonly Route[] {
  return [
    route({
      path: '/api/settings',
      summary: 'The config in force without its secrets, and what is promised',
      answer: settings,
      handle: async () => ({
        config: await shown(config),
        guarantees: (await readGuarantees()).map(({ tests, ...each }) => ({ ...each, tests: [...tests] })),
        proof: await lastProof(registry),
      }),
    }),
  ]
}
