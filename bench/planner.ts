import { fixed, oracle, planned, simulate, skewed } from '../test/support/simulated-polls.ts'
import type { Question, Row } from './question.ts'

const HOUR_MS = 3_600_000
const SCHEDULES = { 'fixed interval': fixed, planner: planned, 'best possible': oracle }

/** Of a simulated provider with a clock of its own: a figure says nothing about the machine. */
export const planner: Question = {
  name: 'planner',
  asks: `What does a budget of calls find where 10 of 1,000 products get 900 of the 1,000 new reviews of a day, and a poll shows the latest ten of a product? Simulated: ten days, after four to learn in. The best possible is the same plan by somebody who knows how often each product gets reviews. More than all reviews can't be found: 100 calls find at most 100,000 / calls a day. Aimed at: twice what a fixed interval finds.`,
  ask: async () => [500, 1_000, 2_000, 5_000].flatMap(rowsOf),
}

function rowsOf(callsPerDay: number): readonly Row[] {
  const world = skewed({ callsPerDay, seed: 1 })
  return Object.entries(SCHEDULES).map(([name, schedule]) => {
    const { calls, newPer100Calls, missedShare, withinADay, p50Ms, p95Ms } = simulate(world, schedule(world))
    return {
      of: `${callsPerDay.toLocaleString('en-US')} calls a day: ${name}`,
      figures: {
        'calls a day': calls / (world.days - world.warmUpDays),
        'new reviews per 100 calls': newPer100Calls,
        'never seen, %': 100 * missedShare,
        'seen within a day, %': 100 * withinADay,
        'of those seen: p50 h': p50Ms / HOUR_MS,
        'p95 h': p95Ms / HOUR_MS,
      },
    }
  })
}
