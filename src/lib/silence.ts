/**
 * Tells who has kept a revision for so long, by the clock of who watches and of nobody else. `now` is when the look ended
 * that brought the revisions.
 */
export function createWatch(silentMs: number) {
  let seen = new Map<string, { readonly revision: number; readonly since: number }>()

  return function silent(revisions: ReadonlyMap<string, number>, now: number): string[] {
    seen = new Map(
      [...revisions].map(([id, revision]) => {
        const before = seen.get(id)
        return [id, before?.revision === revision ? before : { revision, since: now }]
      }),
    )
    return [...seen].flatMap(([id, { since }]) => (now - since >= silentMs ? [id] : []))
  }
}
