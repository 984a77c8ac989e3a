/** Work on some keys begins once all earlier work on any of them has ended. */
export type Turns = <T>(keys: Iterable<string>, work: () => Promise<T>) => Promise<T>

export function createTurns(): Turns {
  /** The last work on each key. */
  const last = new Map<string, Promise<unknown>>()

  return async (keys, work) => {
    const own = new Set(keys)
    const earlier = new Set([...own].flatMap((key) => last.get(key) ?? []))
    const turn = Promise.allSettled(earlier).then(work)
    for (const key of own) last.set(key, turn)
    try {
      return await turn
    } finally {
      for (const key of own) if (last.get(key) === turn) last.delete(key)
    }
  }
}

const places = new Map<string, Turns>()

/** All of this process that work at one place take turns. */
export function turnsAt(place: string): Turns {
  const turns = places.get(place) ?? createTurns()
  places.set(place, turns)
  return turns
}
