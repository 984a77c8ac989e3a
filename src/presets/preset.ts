import { z } from 'zod'
import { REVIEW_FIELDS } from '../review/fields.ts'
import { PARSERS } from './parsers.ts'

const pointer = z.string().regex(/^(\/.*)?$/, 'a JSON pointer such as /date/utc')
const pointers = z
  .union([pointer, z.array(pointer).min(1)])
  .transform((some) => (Array.isArray(some) ? some : [some]))

/** Holds where one of the places has this value; without a value, where one has anything but null. */
const sign = z.strictObject({
  when: pointers,
  equals: z.union([z.string(), z.number(), z.boolean()]).optional(),
})

const field = z.strictObject({
  from: pointers.optional().meta({ description: 'where it is in the item; the first that is there counts' }),
  carried: z.string().optional().meta({ description: 'or which field of the envelope it is, see `carry`' }),
  parse: z
    .enum(Object.keys(PARSERS) as [keyof typeof PARSERS])
    .optional()
    .meta({ description: 'how it is read' }),
})

/**
 * How one provider's responses become reviews: data, and the names of small parsers. A user writes the same in YAML.
 * Whoever changes what a preset makes of the same bytes raises its version.
 */
export const presetSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
  version: z.int().min(1),
  about: z
    .string()
    .optional()
    .meta({ description: 'whose responses these are, and what to know about them' }),
  coverage: z
    .enum(['full', 'top'])
    .default('top')
    .meta({ description: 'whether a poll shows all reviews of a product or only the top ones' }),
  responses: z.array(pointer).min(1).default(['']).meta({
    description: 'where a response may be in a document; the first of these that leads anywhere counts',
  }),
  items: z.array(pointer).min(1).default(['']).meta({ description: 'where the reviews are in a response' }),
  empty: sign.optional().meta({ description: 'what a response looks like that may hold no reviews' }),
  failed: sign
    .extend({ message: pointers.optional() })
    .optional()
    .meta({ description: 'what an error looks like that comes in place of reviews, and where it says why' }),
  carry: z
    .record(z.string(), pointers)
    .default({})
    .meta({ description: 'fields of the response that its reviews need: name → where it is' }),
  fields: z
    .partialRecord(z.enum(REVIEW_FIELDS), field)
    .meta({ description: 'where each field of the review is found' }),
  content: z.array(pointer).optional().meta({
    description: 'what the author or the shop changes, for the record key; by default the content fields',
  }),
  volatile: z
    .array(pointer)
    .default([])
    .meta({ description: 'what changes at every look, for items without a review id' }),
})

export type Sign = z.output<typeof sign>
export type Preset = z.output<typeof presetSchema>
export type PresetInput = z.input<typeof presetSchema>

/** Name and version, as verdicts note them. */
export const presetVersion = ({ name, version }: Preset): string => `${name}@${version}`
