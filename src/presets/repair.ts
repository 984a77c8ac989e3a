import { prettifyError, z } from 'zod'
import { HeadwaterError } from '../errors.ts'
import { createGetter } from '../lib/pointer.ts'
import { REVIEW_FIELDS } from '../review/fields.ts'
import type { Repairable, Step } from '../review/repair.ts'
import { PARSERS, type Parser } from './parsers.ts'

const field = z.enum(REVIEW_FIELDS)
const scalar = z.union([z.string(), z.number(), z.boolean()])
const pointer = z
  .string()
  .regex(/^\/(review|item|context)(\/.*)?$/, 'a JSON pointer into /review, /item or /context')
const parser = z.enum(Object.keys(PARSERS) as [keyof typeof PARSERS])

const FORMS = {
  set: z.strictObject({ set: field, to: scalar }),
  'default to': z.strictObject({ default: field, to: scalar }),
  'default from': z.strictObject({ default: field, from: pointer }),
  copy: z.strictObject({ copy: pointer, to: field }),
  move: z.strictObject({ move: field, to: field }),
  remove: z.strictObject({ remove: field }),
  parse: z.strictObject({ parse: field, as: parser }),
}
const NAMES = ['set', 'default', 'copy', 'move', 'remove', 'parse'] as const

/** A step as a person writes it; what is wrong with one is told of the form that it is meant to have. */
export const stepSchema = z.union(Object.values(FORMS) as [typeof FORMS.set, ...z.ZodType<Step>[]], {
  error: ({ input }) => problemOf(input),
})

/** More than any fault needs. */
const MAX_STEPS = 20

/** The steps that a person wrote, checked. Throws USAGE with everything that is wrong with them. */
export function readSteps(written: unknown): readonly Step[] {
  const result = z.array(z.unknown()).min(1).max(MAX_STEPS).safeParse(written)
  if (!result.success) throw unfit(prettifyError(result.error))
  const problems = result.data.flatMap((step, n) => {
    const problem = problemOf(step)
    return problem === undefined ? [] : `step ${n + 1}: ${problem}`
  })
  if (problems.length > 0) throw unfit(problems.join('\n'))
  return result.data as readonly Step[]
}

function problemOf(step: unknown): string | undefined {
  const { error } = formOf(step).safeParse(step)
  return error && prettifyError(error)
}

const unfit = (problems: string): HeadwaterError =>
  new HeadwaterError('USAGE', `the steps of a repair:\n${problems}`)

/** The form that a step is meant to have, so that what is wrong with it can be said; any of them fits none of the others. */
function formOf(step: unknown): z.ZodType<Step> {
  const name = NAMES.find((each) => step !== null && typeof step === 'object' && each in step)
  if (name === undefined) return UNKNOWN
  if (name !== 'default') return FORMS[name]
  return 'from' in (step as object) ? FORMS['default from'] : FORMS['default to']
}

const UNKNOWN = z.custom<Step>(() => false, `expected one of ${NAMES.join(', ')}`)

/** Does the steps in their order to a copy of the review. Never throws. */
export function repaired(document: Repairable, steps: readonly Step[]): Record<string, unknown> {
  const review: Record<string, unknown> = { ...document.review }
  for (const step of steps) take(step, review, document)
  return review
}

function take(step: Step, review: Record<string, unknown>, { item, context }: Repairable): void {
  const at = (place: string): unknown => createGetter(place)({ review, item, context })
  const put = (name: string, value: unknown): void => {
    if (value !== undefined && value !== null) review[name] = value
  }
  if ('set' in step) put(step.set, step.to)
  else if ('default' in step) {
    if (isAbsent(review[step.default])) put(step.default, 'to' in step ? step.to : at(step.from))
  } else if ('copy' in step) put(step.to, at(step.copy))
  else if ('move' in step) {
    const value = review[step.move]
    delete review[step.move]
    put(step.to, value)
  } else if ('remove' in step) delete review[step.remove]
  else put(step.parse, parsed(review[step.parse], step.as, item))
}

function parsed(value: unknown, name: string, item: unknown): unknown {
  const parse: Parser | undefined = Object.hasOwn(PARSERS, name)
    ? PARSERS[name as keyof typeof PARSERS]
    : undefined
  if (isAbsent(value) || !parse) return value
  // How such a number was written is not known here, and another one would be invented.
  const isInexact = typeof value === 'number' && parse === PARSERS.id && !Number.isSafeInteger(value)
  return isInexact ? value : parse(value, () => JSON.stringify(value), item)
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null || value === ''
