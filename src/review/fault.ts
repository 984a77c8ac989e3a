import type { ErrorObject } from 'ajv/dist/2020.js'
import { segmentsOf } from '../lib/json-scan.ts'
import { segmentOf } from '../lib/pointer.ts'
import type { Fault } from './verdict.ts'

/** Of a text that is at fault, so many characters are shown. */
const MAX_SHOWN = 60

/** What a validator found, in words. A field that is missing, or not known, is what the pointer leads to. */
export function faultOf({ instancePath, keyword, params, data }: ErrorObject): Fault {
  const { missingProperty, additionalProperty, unevaluatedProperty } = params as Readonly<
    Record<string, unknown>
  >
  const member = missingProperty ?? additionalProperty ?? unevaluatedProperty
  const pointer = typeof member === 'string' ? `${instancePath}/${segmentOf(member)}` : instancePath
  const field = pointer === '' ? 'the review' : segmentsOf(pointer).join('.')
  return { pointer, keyword, message: `${field} ${complaint(keyword, params, data)}`, params }
}

/** The reason's code: `missing_user_id`, `invalid_rating`. */
export function codeOf(fault: Fault | undefined): string {
  const field = segmentsOf(fault?.pointer ?? '')[0]
  if (fault === undefined || field === undefined) return 'invalid_review'
  const isMissing = fault.keyword === 'required' || (fault.keyword === 'minLength' && isEmpty(fault.params))
  return `${isMissing ? 'missing' : 'invalid'}_${field}`
}

function complaint(keyword: string, params: Readonly<Record<string, unknown>>, value: unknown): string {
  const limit = String(params['limit'])
  switch (keyword) {
    case 'required':
      return 'is missing: it must be present and not null'
    case 'type':
      return `must be ${article([params['type']].flat().join(' or '))}, found ${described(value)}`
    case 'minimum':
      return `must be at least ${limit}, found ${described(value)}`
    case 'maximum':
      return `must be at most ${limit}, found ${described(value)}`
    case 'exclusiveMinimum':
      return `must be above ${limit}, found ${described(value)}`
    case 'exclusiveMaximum':
      return `must be below ${limit}, found ${described(value)}`
    case 'minLength':
      return isEmpty(params)
        ? 'is empty'
        : `must have at least ${limit} characters, found ${described(value)}`
    case 'maxLength':
      return `is longer than ${limit} characters`
    case 'minItems':
      return `has fewer than ${limit} entries`
    case 'maxItems':
      return `has more than ${limit} entries`
    case 'pattern':
      return `must match ${String(params['pattern'])}, found ${described(value)}`
    case 'enum':
      return `must be one of ${(params['allowedValues'] as readonly unknown[]).map(described).join(', ')}, found ${described(value)}`
    case 'const':
      return `must be ${described(params['allowedValue'])}, found ${described(value)}`
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return 'is a field that the schema does not have'
    case 'format':
      return `must be ${formatIn(String(params['format']))}, found ${described(value)}`
    default:
      return `breaks the rule ${keyword}`
  }
}

/** Where one character is wanted, whatever is at fault has none. */
const isEmpty = (params: Fault['params']): boolean => params?.['limit'] === 1

const article = (type: string): string => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`)

const formatIn = (format: string): string =>
  format === 'date-time'
    ? 'a date and time as RFC 3339 writes it, such as 2023-10-26T10:00:00Z'
    : `of the format ${format}`

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
