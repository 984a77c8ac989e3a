import { Ajv2020, type AnySchemaObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import schema from '../../schemas/review.schema.json' with { type: 'json' }
import { isPlainUtc } from '../lib/utc.ts'
import { faultOf } from './fault.ts'
import type { Fault } from './verdict.ts'

/** Says whether a candidate is a review. */
export interface Validator {
  /** As verdicts note it. */
  readonly version: string
  /** Stops at the first fault: for the hot path. */
  isValid(candidate: object): boolean
  /** Every fault, in the schema's order, at most 20. */
  allFaults(candidate: object): readonly Fault[]
  /** Compiles all that is compiled when it is first used, so that the first reviews don't wait for it. */
  prepare(): void
}

/** A rejected item tells this many faults; more help nobody, and the sender chooses how many there are. */
const MAX_FAULTS = 20

/** By the schema that is in force, which is compiled when it is first asked: it would be a third of the start of a command. */
export const REVIEW: Validator = validatorOf('review@1', {
  // Takes most of what is valid, at half the cost: texts are measured in UTF-16 units, of which there are never fewer than
  // characters, and so only where no text has to be longer than one character.
  quick: once(() => compile(schema, { unicode: false })),
  exact: once(() => compile(schema)),
  every: once(() => compile(schema, { allErrors: true, verbose: true })),
})

/**
 * By another schema of JSON Schema 2020-12, which may refer to the one in force by its `$id`. Throws what Ajv says of one that
 * is none.
 */
export function compileValidator(candidate: AnySchemaObject, version: string): Validator {
  // Of Ajv's advice on style only what finds mistyped keywords and formats; a number is still no infinity.
  const also = { strict: false, strictSchema: true, strictNumbers: true } as const
  const exact = compile(candidate, also)
  return validatorOf(version, {
    quick: () => exact,
    exact: () => exact,
    every: once(() => compile(candidate, { ...also, allErrors: true, verbose: true })),
  })
}

interface Compiled {
  /** Takes nothing that `exact` does not take. */
  readonly quick: () => ValidateFunction
  readonly exact: () => ValidateFunction
  /** Finds all faults. */
  readonly every: () => ValidateFunction
}

function validatorOf(version: string, { quick, exact, every }: Compiled): Validator {
  return {
    version,
    isValid: (candidate) => quick()(candidate) || exact()(candidate),
    allFaults(candidate) {
      const validate = every()
      // What was cut may be what is at fault, where a schema allows more than the one in force.
      if (validate(shortened(candidate))) validate(candidate)
      return (validate.errors ?? []).slice(0, MAX_FAULTS).map(faultOf)
    },
    prepare() {
      for (const compiled of [quick, exact, every]) compiled()
    },
  }
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

function compile(of: AnySchemaObject, options: Options = {}): ValidateFunction {
  const ajv = new Ajv2020({ strict: true, logger: false, ...options })
  addFormats.default(ajv)
  const { validate } = addFormats.default.get('date-time') as { validate: (text: string) => boolean }
  ajv.addFormat('date-time', { validate: (text: string) => isPlainUtc(text) || validate(text) })
  if (of.$id !== schema.$id) ajv.addSchema(schema)
  return ajv.compile(of)
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}
