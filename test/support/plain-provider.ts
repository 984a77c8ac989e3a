import { randomBytes } from 'node:crypto'
import type { Provider } from '../../src/review/provider.ts'

/** A provider of which nothing is known: every item is another one, also when it comes again. */
export const plainProvider = (): Provider => ({
  coverage: 'top',
  identify: () => ({
    version: randomBytes(8).toString('hex'),
    review: undefined,
    product: undefined,
    code: undefined,
  }),
  told: () => ({ isBlocked: false }),
})
