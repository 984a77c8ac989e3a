/** A step of a repair while it is being written: not every one is finished, as those of `src/review/repair.ts` are. */
export type Step = Readonly<Record<string, string | number | boolean>>

/** What a step does, by the member that names it; `as` tells in which kinds of control its other member is written. */
export const KINDS = [
  { name: 'parse', title: 'read', field: 'parse', other: 'as', between: 'as' },
  { name: 'set', title: 'set', field: 'set', other: 'to', between: 'to' },
  { name: 'default', title: 'where absent, set', field: 'default', other: 'to', between: 'to' },
  { name: 'default-from', title: 'where absent, fill', field: 'default', other: 'from', between: 'from' },
  { name: 'copy', title: 'fill', field: 'to', other: 'copy', between: 'from' },
  { name: 'move', title: 'move', field: 'move', other: 'to', between: 'to' },
  { name: 'remove', title: 'remove', field: 'remove', other: undefined, between: '' },
] as const

export type Kind = (typeof KINDS)[number]

export function kindOf(step: Step): Kind {
  if ('default' in step) return KINDS['from' in step ? 3 : 2]
  return KINDS.find(({ name }) => name in step) ?? KINDS[1]
}

/** A step in words: `read rating as stars`. */
export function stepSentence(step: Step): string {
  const { title, field, other, between } = kindOf(step)
  const [what, how] = [String(step[field]), other && JSON.stringify(step[other])]
  return how === undefined ? `${title} ${what}` : `${title} ${what} ${between} ${how}`
}
