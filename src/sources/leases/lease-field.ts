import { duration } from '../../lib/fields.ts'

const SHORTEST_MS = 1_000
const LONGEST_MS = 600_000

/** The time of a lease, in milliseconds. */
export const leaseField = duration()
  .refine((ms) => ms >= SHORTEST_MS && ms <= LONGEST_MS, 'expected from 1s to 10m')
  .prefault('10s')
  .meta({ description: 'How long a process that is gone keeps its share of the products from the others.' })
