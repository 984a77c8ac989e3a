import { z } from 'zod'
import { REVIEW_FIELDS } from '../review/fields.ts'
import { PARSERS } from './parsers.ts'

const pointer = z.string().regex(/^(\/.*)?$/, 'a JSON pointer such as /date/utc')
const pointers = oneOrMore(pointer)
const scalar = z.union([z.string(), z.number(), z.boolean()])

const signFields = {
  when: pointers.meta({ description: 'where it is looked for' }),
  equals: scalar.optional().meta({ description: 'one of the places has this value' }),
  not: scalar.optional().meta({ description: 'one of the places has another value than this' }),
  min: z.number().optional().meta({ description: 'one of the places has a number from this up' }),
  holds: oneOrMore(z.string().min(1))
    .optional()
    .meta({ description: 'one of the places is a text with one of these in it, in any case' }),
}

const COMPARISONS = ['equals', 'not', 'min', 'holds'] as const

const comparesOnce = (sign: Partial<Record<(typeof COMPARISONS)[number], unknown>>): boolean =>
  COMPARISONS.filter((name) => sign[name] !== undefined).length <= 1
const ONCE = `at most one of ${COMPARISONS.join(', ')}`

/** Without a comparison it holds where one of the places has anything but null. */
const sign = z.strictObject(signFields).refine(comparesOnce, ONCE)
const failure = z
  .strictObject({
    ...signFields,
    message: pointers.optional().meta({ description: 'where the provider says why' }),
  })
  .refine(comparesOnce, ONCE)

const field = z.strictObject({
  from: pointers.optional().meta({ description: 'where it is in the item; the first that is there counts' }),
  carried: z.string().optional().meta({ description: 'or which field of the envelope it is, see `carry`' }),
  value: scalar.optional().meta({ description: 'or what it is for all reviews, such as the only shop' }),
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
  provider: z.string().min(1).optional().meta({ description: 'what people call the provider' }),
  about: z
    .string()
    .optional()
    .meta({ description: 'whose responses these are, and what to know about them' }),
  quirks: z
    .array(z.string().min(1))
    .default([])
    .meta({ description: 'what surprises whoever works with this provider, a sentence each' }),
  request: z.record(z.string(), z.unknown()).optional().meta({
    description:
      'how the provider is asked, in the words of a source of type http-poll; `{product}` stands for each product, secrets are left out',
  }),
  coverage: z
    .enum(['full', 'top'])
    .default('top')
    .meta({ description: 'whether a poll shows all reviews of a product or only the top ones' }),
  total: pointers.optional().meta({
    description: 'where a response says how many reviews the product has; the first that is a number counts',
  }),
  responses: z.array(pointer).min(1).default(['']).meta({
    description: 'where a response may be in a document; the first of these that leads anywhere counts',
  }),
  items: z.array(pointer).min(1).default(['']).meta({ description: 'where the reviews are in a response' }),
  empty: oneOrMore(sign)
    .optional()
    .meta({ description: 'what a response looks like that may hold no reviews' }),
  failed: oneOrMore(failure)
    .optional()
    .meta({ description: 'what an error looks like that comes in place of reviews, and where it says why' }),
  blocked: oneOrMore(sign).optional().meta({
    description: 'what a response looks like when the shop shut the provider out: a CAPTCHA, a log-in',
  }),
  removed: oneOrMore(sign)
    .optional()
    .meta({ description: 'what an item looks like that says its review was deleted' }),
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
export type Failure = z.output<typeof failure>
export type Preset = z.output<typeof presetSchema>
export type PresetInput = z.input<typeof presetSchema>

/** Name and version, as verdicts note them. */
export const presetVersion = ({ name, version }: Preset): string => `${name}@${version}`

/** One alone is written without a list around it. */
function oneOrMore<One extends z.ZodType>(one: One) {
  return z.union([one.transform((value) => [value]), z.array(one).min(1)])
}
