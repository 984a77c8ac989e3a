import type { Room } from '../room.ts'
import type { Taken, Tenure } from './tenure.ts'

/** The partitions that are read for one group, or for a reader without one. */
export interface Holding {
  /** Called before the first batch, and once after the last for each such call. */
  enter(): void
  leave(): void
  /** What can be handed over now, from all partitions in turn. */
  take(room: Room): readonly Taken[]
  /** Resolves once the brokers know, or somebody else has these partitions. */
  acknowledge(takings: readonly Taken[]): Promise<void>
}

/** Takes from each tenure in turn, beginning with another one each time. */
export function createTaker(): (tenures: Iterable<Tenure>, room: Room) => readonly Taken[] {
  let turn = 0
  return (all, room) => {
    const tenures = [...all]
    turn++
    let { items, bytes } = room
    const takings: Taken[] = []
    for (let n = 0; n < tenures.length && items > 0 && bytes > 0; n++) {
      const taken = tenures[(turn + n) % tenures.length]?.take({ items, bytes })
      if (!taken) continue
      takings.push(taken)
      items -= taken.messages.length
      bytes -= taken.bytes
    }
    return takings
  }
}
