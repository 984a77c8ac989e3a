import { REVIEW_FIELDS } from '../review/fields.ts'
import type { PresetInput } from './preset.ts'

/** The review as Headwater publishes it: nothing to find, nothing to parse. */
export const canonical: PresetInput = {
  name: 'canonical',
  version: 1,
  provider: 'Headwater',
  about: 'Reviews that already have the canonical shape, see schemas/review.schema.json.',
  coverage: 'full',
  fields: Object.fromEntries(REVIEW_FIELDS.map((name) => [name, { from: `/${name}` }])),
}
