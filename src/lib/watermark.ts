/** The end of the contiguous prefix that is settled, however the ranges come in. */
export interface Watermark {
  /** Everything before this number is settled. */
  readonly value: number
  /** Settles `from` up to but not including `to`. A range is settled as it was handed out; twice is once. */
  settle(from: number, to: number): void
}

/** Starts with everything before `start` settled. Holds in memory only what is settled out of order. */
export function createWatermark(start: number): Watermark {
  const ahead = new Map<number, number>()
  let value = start
  return {
    get value() {
      return value
    },
    settle(from, to) {
      if (from < value || from >= to) return
      ahead.set(from, to)
      for (let next = ahead.get(value); next !== undefined; next = ahead.get(value)) {
        ahead.delete(value)
        value = next
      }
    },
  }
}
