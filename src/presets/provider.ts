import { hash } from 'node:crypto'
import { judge, type Rules } from '../review/interpret.ts'
import { findableBy } from '../review/verdict.ts'
import type { Provider } from '../review/provider.ts'
import type { Preset } from './preset.ts'
import { createTold } from './told.ts'

/** What a preset, compiled to these rules, knows of its provider. The rules may change while it is in use. */
export function createProvider(preset: Preset, rulesNow: () => Rules): Provider {
  return {
    coverage: preset.coverage,
    told: createTold(preset),
    identify(received) {
      const rules = rulesNow()
      const reading = rules.read(received)
      const { key, verdict } = judge(received, rules)
      return {
        version: hash('sha256', `${key} ${nameOf(rules)}`, 'hex').slice(0, 16),
        review: 'identity' in reading ? reading.identity.review : undefined,
        product: findableBy(verdict).product,
        code: verdict.status === 'rejected' ? verdict.code : undefined,
      }
    },
  }
}

const nameOf = ({ versions: { preset, schema }, repairs }: Rules): string =>
  [preset, schema, ...repairs.map(({ id }) => id)].join(' ')
