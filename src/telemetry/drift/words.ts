import type { Drift } from './compare.ts'
import { type Kind, KINDS } from './fields.ts'
import { type Field, filledShare, kindShare } from './profile.ts'

const WORDS: Readonly<Record<Kind, string>> = {
  text: 'text',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  list: 'a list',
  null: 'null',
}

/** What has happened to a field, as a sentence; times are UTC. */
export function sentenceOf({ kind, field, type, was, now }: Drift, since: number): string {
  const from = `since ${timeOf(since)}`
  const what = field.includes('/*') ? 'the entries' : 'the items'
  const name = `\`${field}\``
  switch (kind) {
    case 'type':
      return `${name} is ${WORDS[type ?? 'null']} in ${percent(kindShare(now, type ?? 'null'))} of ${what} ${from}; it was ${before(was, type ?? 'null')}`
    case 'new':
      return `${name} is new: it is in ${percent(filledShare(now))} of ${what} ${from}`
    case 'gone':
      return `${name} is gone ${from}; it was in ${percent(filledShare(was))} of ${what}`
    case 'emptier':
      return `${name} is missing or null in ${percent(1 - filledShare(now))} of ${what} ${from}; it was in ${percent(1 - filledShare(was))}`
  }
}

/** What a field was that is of another type now. */
function before(was: Field, type: Kind): string {
  const rare = kindShare(was, type)
  if (rare > 0) return `that in ${percent(rare)}`
  const usual = KINDS.filter((kind) => kindShare(was, kind) > 0 && kind !== 'null')
  return `always ${usual.map((kind) => WORDS[kind]).join(' or ')}`
}

const timeOf = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** A whole number, but for what would be called none or all and is not. */
export function percent(share: number): string {
  const whole = Math.round(share * 100)
  if (whole === 0 && share > 0) return 'less than 1 %'
  return whole === 100 && share < 1 ? 'more than 99 %' : `${whole} %`
}
