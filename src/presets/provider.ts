import { hash } from 'node:crypto'
import { judge, type Rules } from '../review/interpret.ts'
import { findableBy } from '../review/verdict.ts'
import type { Provider } from '../review/provider.ts'
import type { Preset } from './preset.ts'
import { createTold } from './told.ts'

/** What a preset, compiled to these rules, knows of its provider. */
export function createProvider(preset: Preset, rules: Rules): Provider {
  const { preset: by, schema } = rules.versions
  const repairs = rules.repairs.map(({ id }) => ` ${id}`).join('')
  return {
    coverage: preset.coverage,
    told: createTold(preset),
    identify(received) {
      const reading = rules.read(received)
      const { key, verdict } = judge(received, rules)
      return {
        version: hash('sha256', `${key} ${by} ${schema}${repairs}`, 'hex').slice(0, 16),
        review: 'identity' in reading ? reading.identity.review : undefined,
        product: findableBy(verdict).product,
        code: verdict.status === 'rejected' ? verdict.code : undefined,
      }
    },
  }
}
