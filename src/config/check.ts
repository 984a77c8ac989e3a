import type { z, ZodType } from 'zod'
import { redactText } from '../lib/redact.ts'
import { isMapping, suggestion, toCode, writtenPath } from './names.ts'
import {
  childOf,
  fields,
  forms,
  isSecret,
  type Path,
  pathText,
  type Shape,
  shapeOf,
  typesOf,
} from './shape.ts'

/** Everything that is wrong, in the order in which it was found: the first finding about a path is kept. */
export interface Problems {
  add(path: Path, message: string): void
  lines(): readonly string[]
}

/** Collects what is wrong, so that all of it can be told at once. */
export function createProblems(): Problems {
  const found = new Map<string, string>()
  return {
    add(path, message) {
      const place = pathText(path)
      if (!found.has(place)) found.set(place, message)
    },
    lines: () => [...found].map(([place, message]) => (place === '' ? message : `${place}: ${message}`)),
  }
}

/** One value to check: where it stands, and which texts in the file came out of references. */
export interface Place {
  readonly path: Path
  readonly references: ReadonlyMap<string, string>
  readonly problems: Problems
}

/** Turns what a user wrote into what code reads. Never throws: what is wrong becomes problems. */
export function read(value: unknown, shape: Shape, { path, references, problems }: Place): unknown {
  const unknown = (at: Path, hint: string): void => problems.add(at, `unknown key, ${hint}`)
  const named = toCode(value, shape, path, unknown)
  return retype(named, shape, [], (at) => references.has(pathText([...path, ...writtenPath(at, shape)])))
}

/** Parses by a schema; undefined where that found problems. Secrets and what came from references are never shown. */
export function check<T>(schema: ZodType<T>, value: unknown, place: Place): T | undefined {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const shape = shapeOf(schema)
  for (const issue of result.error.issues) report(issue, [], { value, shape }, place)
  return undefined
}

interface Subject {
  readonly value: unknown
  readonly shape: Shape
}

function report(issue: z.core.$ZodIssue, above: Path, subject: Subject, place: Place): void {
  const path = [...above, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))]
  const at = (...more: string[]): Path => [...place.path, ...writtenPath(path, subject.shape), ...more]
  const here = path.reduce<Subject>(descend, subject)

  if (issue.code === 'unrecognized_keys') {
    for (const [written, hint] of strangers(issue.keys, here.shape)) place.problems.add(at(written), hint)
    return
  }
  const closest = issue.code === 'invalid_union' ? closestBranch(issue.errors) : undefined
  if (closest) {
    for (const inner of closest) report(inner, path, subject, place)
    return
  }
  const said = sentence(issue, here)
  const isWhole = issue.code === 'custom' && typeof here.value === 'object'
  const seen = said.startsWith('expected') && !isWhole ? found(here, at(), place) : ''
  place.problems.add(at(), `${said}${seen}`)
}

/** Keys that belong to another alternative than the one that was chosen. */
function strangers(keys: readonly string[], shape: Shape): readonly (readonly [string, string])[] {
  const known = fields(shape)
  return keys.map((key) => {
    const written = known.find((field) => field.key === key)?.written ?? key
    const others = known.filter((field) => field.key !== key).map((field) => field.written)
    return [written, `unknown key here, ${suggestion(written, others)}`]
  })
}

/** The alternative that was meant: the one that finds fault with a part, and not with the whole. */
function closestBranch(branches: readonly (readonly z.core.$ZodIssue[])[]) {
  return branches.find((issues) => issues.length > 0 && issues.every(blamesPart))
}

const blamesPart = ({ path, code }: z.core.$ZodIssue): boolean =>
  path.length > 0 || code === 'unrecognized_keys'

function descend({ value, shape }: Subject, step: string | number): Subject {
  const inner =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined
  return { value: inner, shape: childOf(shape, step) }
}

function sentence(issue: z.core.$ZodIssue, { value, shape }: Subject): string {
  const isBound = issue.code === 'too_small' || issue.code === 'too_big'
  if (isBound && typeof value !== 'number') return lengthText(issue)
  const isOurs = isBound || (issue.code.startsWith('invalid_') && issue.code !== 'invalid_format')
  const isMissing = value === undefined && issue.code !== 'custom'
  return isOurs || isMissing ? `expected ${expectation(shape)}` : issue.message
}

function lengthText(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const [limit, count] = issue.code === 'too_small' ? ['at least', issue.minimum] : ['at most', issue.maximum]
  const unit = issue.origin === 'string' ? 'character' : 'item'
  return `expected ${limit} ${count} ${unit}${count === 1 ? '' : 's'}`
}

/** What a shape takes, in words: `a number from 0 to 1`, `one of "a", "b"`. */
export function expectation(shape: Shape): string {
  const said = forms(shape).find((form) => form.expected !== undefined)?.expected
  if (said !== undefined) return said
  const options = forms(shape).flatMap((form) => form.enum ?? (form.const === undefined ? [] : [form.const]))
  const kinds = typesOf(shape).map((type) =>
    type === 'number' || type === 'integer' ? numberText(type, shape) : KINDS[type],
  )
  const words = options.map((option) => JSON.stringify(option))
  const rest = kinds.filter((kind) => kind !== undefined && !(words.length > 0 && kind === KINDS['string']))
  return [...new Set([...words, ...rest])].join(' or ') || 'another value'
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  boolean: 'true or false',
  object: 'a mapping',
  array: 'a list',
  null: 'nothing',
}

function numberText(type: 'number' | 'integer', shape: Shape): string {
  const form = forms(shape).find((one) => one.type === type)
  const { exclusiveMinimum: above, minimum: from, exclusiveMaximum: below, maximum: to } = form ?? {}
  const bounds = [bound('above', above) ?? bound('from', from), bound('below', below) ?? bound('up to', to)]
  const kind = type === 'integer' ? 'a whole number' : 'a number'
  return [kind, ...bounds].filter((part) => part !== undefined).join(' ')
}

/** Every whole number is bounded by what a number can hold exactly: not worth a word. */
function bound(word: string, limit: number | undefined): string | undefined {
  const isWorthIt = limit !== undefined && Math.abs(limit) !== Number.MAX_SAFE_INTEGER
  return isWorthIt ? `${word} ${limit}` : undefined
}

function found({ value, shape }: Subject, path: Path, { references }: Place): string {
  if (value === undefined) return ', but it is missing'
  const reference = references.get(pathText(path))
  if (reference !== undefined) return `, found what ${JSON.stringify(reference)} stands for`
  if (isMapping(value)) return ', found a mapping'
  if (Array.isArray(value)) return value.length === 0 ? ', found an empty list' : ', found a list'
  if (value === null) return ', found nothing'
  const isText = typeof value === 'string'
  if (isSecret(shape)) return `, found a ${isText ? 'text' : typeof value} that is not shown`
  if (typeof value === 'number') return `, found ${value}` // JSON has no infinity
  return `, found ${JSON.stringify(isText ? shortened(redactText(value)) : value)}`
}

const shortened = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text)

/** A reference always gives a text; where only a number or a boolean can be meant, it becomes one. */
function retype(value: unknown, shape: Shape, path: Path, isReference: (path: Path) => boolean): unknown {
  if (Array.isArray(value)) {
    return value.map((item, n) => retype(item, childOf(shape, n), [...path, n], isReference))
  }
  if (isMapping(value)) {
    const entries = Object.entries(value).map(([key, item]) => {
      return [key, retype(item, childOf(shape, key), [...path, key], isReference)] as const
    })
    return Object.fromEntries(entries)
  }
  if (typeof value !== 'string' || !isReference(path)) return value
  const types = typesOf(shape)
  if (types.length === 0 || types.includes('string')) return value
  if (types.includes('boolean') && /^(true|false)$/.test(value)) return value === 'true'
  const isNumber = (types.includes('number') || types.includes('integer')) && /^-?\d+(\.\d+)?$/.test(value)
  return isNumber ? Number(value) : value
}
