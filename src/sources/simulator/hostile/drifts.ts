import type { Item, Shape } from '../shapes/shape.ts'

/** What becomes of every item of a page when a provider changes its schema. */
export interface Drift {
  spoil(item: Item, members: Shape['members']): Item
  /** Whether what comes out is a review all the same. */
  isValid(shape: Shape): boolean
}

const never = (): boolean => false

/** The member is gone, and its value stands under another name. */
const renamed = (item: Item, name: string): Item => {
  const { [name]: value, ...rest } = item
  return { ...rest, [`${name}_v2`]: value }
}

export const drifts: Readonly<Record<string, Drift>> = {
  'the text under another name': { spoil: (item, { text }) => renamed(item, text), isValid: never },
  'ids under another name': { spoil: (item, { id }) => renamed(item, id), isValid: never },
  'null in place of every text': { spoil: (item, { text }) => ({ ...item, [text]: null }), isValid: never },
  'null in place of every user': { spoil: (item, { user }) => ({ ...item, [user]: null }), isValid: never },
  'ratings in words': { spoil: (item, { rating }) => ({ ...item, [rating]: 'five' }), isValid: never },
  'ratings as texts': {
    spoil: (item, { rating }) => ({ ...item, [rating]: String(item[rating]) }),
    isValid: ({ readsNumericText }) => readsNumericText,
  },
  'dates as numbers': {
    spoil: (item, { date }) => ({ ...item, [date]: 1_767_225_600_000 }),
    isValid: never,
  },
}
