import schema from '../../schemas/review.schema.json' with { type: 'json' }

/** Every field of the canonical review that is known by name, as the public schema lists them. */
export type ReviewField = keyof typeof schema.properties

export const REVIEW_FIELDS = Object.keys(schema.properties) as [ReviewField, ...ReviewField[]]

/** What a field holds: decides how a cell of a CSV file is read. */
export function fieldType(name: ReviewField): 'string' | 'number' | 'integer' | 'boolean' | 'array' {
  return schema.properties[name].type as 'string' | 'number' | 'integer' | 'boolean' | 'array'
}

/** Whether a review is none without it. */
export const isRequired = (name: ReviewField): boolean => schema.required.includes(name)

/** What the author or the shop changes; not votes, position or scrape times. Version 1 of the content list. */
export const CONTENT_FIELDS = [
  'product_id',
  'user_id',
  'review_text',
  'title',
  'rating',
  'review_timestamp',
  'images',
  'videos',
] as const satisfies readonly ReviewField[]
