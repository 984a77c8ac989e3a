import { CONTENT_FIELDS } from '../review/fields.ts'
import type { Preset } from './preset.ts'

/** The pointers whose exact tokens are needed, and what for; the lists hold positions in `pointers`. */
export interface Places {
  readonly pointers: readonly string[]
  readonly review: readonly number[]
  /** Text and rating: an item that gives neither is told apart by all of raw. */
  readonly told: readonly number[]
  readonly content: readonly number[]
  readonly volatile: readonly number[]
}

export function placesOf({ fields, content, volatile }: Preset): Places {
  const pointers: string[] = []
  const place = (pointer: string): number => {
    const known = pointers.indexOf(pointer)
    return known === -1 ? pointers.push(pointer) - 1 : known
  }
  const from = (name: keyof Preset['fields']): readonly string[] => fields[name]?.from ?? []
  const places = {
    review: from('review_id').map(place),
    told: [...from('review_text'), ...from('rating')].map(place),
    content: (content ?? CONTENT_FIELDS.flatMap(from)).map(place),
    volatile: volatile.map(place),
  }
  for (const field of Object.values(fields)) if (field.parse === 'id') field.from?.forEach(place)
  return { pointers, ...places }
}
