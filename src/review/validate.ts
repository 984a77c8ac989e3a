import { Ajv2020, type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import schema from '../../schemas/review.schema.json' with { type: 'json' }
import { isPlainUtc } from '../lib/utc.ts'
import type { Fault } from './verdict.ts'

/** As verdicts note it. */
export const SCHEMA_VERSION = 'review@1'

/** A rejected item tells this many faults; more help nobody, and the sender chooses how many there are. */
const MAX_FAULTS = 20

/** Of a text that is at fault, so many characters are shown. */
const MAX_SHOWN = 60

/**
 * Takes most of what is valid, at half the cost: texts are measured in UTF-16 units, of which there are never fewer than
 * characters.
 */
const quick = compile({ unicode: false })
const exact = compile({})
const every = compile({ allErrors: true, verbose: true })

/** Stops at the first fault: for the hot path. */
export function isValid(candidate: object): boolean {
  return quick(candidate) || exact(candidate)
}

/** Every fault, in the schema's order, at most 20. */
export function allFaults(candidate: object): readonly Fault[] {
  every(shortened(candidate))
  return (every.errors ?? []).slice(0, MAX_FAULTS).map(fault)
}

/** Longer than any list or text that the schema takes, so that it is still too long when it was cut to this. */
const MAX_ENTRIES = 1_001
const MAX_UNITS = 200_002

/** The same faults, without the million others that a list could have or the time that a format takes on a long text. */
function shortened(candidate: object): object {
  const short = (value: unknown): unknown => {
    if (typeof value === 'string') return value.slice(0, MAX_UNITS)
    return Array.isArray(value) ? value.slice(0, MAX_ENTRIES) : value
  }
  return Object.fromEntries(Object.entries(candidate).map(([field, value]) => [field, short(value)]))
}

/** The reason's code: `missing_user_id`, `invalid_rating`. */
export function codeOf(fault: Fault | undefined): string {
  const field = fault?.pointer.split('/')[1]
  if (fault === undefined || field === undefined) return 'invalid_review'
  const missing = fault.keyword === 'required' || fault.keyword === 'minLength'
  return `${missing ? 'missing' : 'invalid'}_${field}`
}

function compile(options: Options): ValidateFunction {
  const ajv = new Ajv2020({ strict: true, logger: false, ...options })
  addFormats.default(ajv)
  const { validate } = addFormats.default.get('date-time') as { validate: (text: string) => boolean }
  ajv.addFormat('date-time', { validate: (text: string) => isPlainUtc(text) || validate(text) })
  return ajv.compile(schema)
}

function fault({ instancePath, keyword, params, data }: ErrorObject): Fault {
  const missing =
    keyword === 'required' ? String((params as { missingProperty: string }).missingProperty) : undefined
  const pointer = missing === undefined ? instancePath : `${instancePath}/${missing}`
  const field = pointer.slice(1).replaceAll('/', '.')
  return { pointer, keyword, message: `${field} ${complaint(keyword, params, data)}`, params }
}

function complaint(keyword: string, params: Readonly<Record<string, unknown>>, value: unknown): string {
  const limit = String(params['limit'])
  switch (keyword) {
    case 'required':
      return 'is missing: it must be present and not null'
    case 'type':
      return `must be ${article(String(params['type']))}, found ${described(value)}`
    case 'minimum':
      return `must be at least ${limit}, found ${described(value)}`
    case 'maximum':
      return `must be at most ${limit}, found ${described(value)}`
    case 'minLength':
      return 'is empty'
    case 'maxLength':
      return `is longer than ${limit} characters`
    case 'maxItems':
      return `has more than ${limit} entries`
    case 'format':
      return `must be a date and time as RFC 3339 writes it, such as 2023-10-26T10:00:00Z, found ${described(value)}`
    default:
      return `breaks the rule ${keyword}`
  }
}

const article = (type: string): string => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`)

/** What was found, in a few words: the sender chooses how long it is, and how deep. */
function described(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value === 'number' && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER))
    return `a number beyond ${Number.isFinite(value) ? '2^53' : '1.8e308'}`
  if (typeof value !== 'string' || value.length <= MAX_SHOWN) return JSON.stringify(value)
  const beginning = value.slice(0, MAX_SHOWN).replace(/[\uD800-\uDBFF]$/, '') // no half of a character
  return `${JSON.stringify(beginning).slice(0, -1)}…`
}
