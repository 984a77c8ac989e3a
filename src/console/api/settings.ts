import { parse } from 'yaml'
import { z } from 'zod'
import { print } from '../../config/print.ts'
import { readGuarantees } from '../guarantees.ts'
import { route, type Route } from '../route.ts'
import type { ApiParts } from './parts.ts'

const settings = z.object({
  config: z
    .record(z.string(), z.unknown())
    .meta({ description: 'What is in force, as `headwater config print` shows it: secrets are hidden.' }),
  guarantees: z.array(z.object({ number: z.int(), promise: z.string(), tests: z.array(z.string()) })),
})

export function settingsRoutes({ config }: Pick<ApiParts, 'config'>): readonly Route[] {
  return [
    route({
      path: '/api/settings',
      summary: 'The config in force without its secrets, and what is promised',
      answer: settings,
      handle: async () => ({
        config: parse(await print(config)) as Record<string, unknown>,
        guarantees: (await readGuarantees()).map(({ tests, ...each }) => ({ ...each, tests: [...tests] })),
      }),
    }),
  ]
}
