import { readFile } from 'node:fs/promises'
import type { AnySchemaObject } from 'ajv/dist/2020.js'
import { parseDocument } from 'yaml'
import { HeadwaterError } from '../errors.ts'
import { compileValidator, type Validator } from '../review/validate.ts'
import { loadPreset, presets } from './index.ts'
import type { Preset } from './preset.ts'

/** What is tried in place of the schema or the preset that is in force. */
export type Candidate =
  | { readonly kind: 'schema'; readonly name: string; readonly validator: Validator }
  | {
      readonly kind: 'preset'
      readonly name: string
      /** As `loadPreset` takes it. */
      readonly place: string
      readonly preset: Preset
    }

/** What a JSON Schema has and a preset does not, at the top. */
const OF_A_SCHEMA = [
  '$schema',
  '$id',
  '$ref',
  'type',
  'properties',
  'required',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
]

/**
 * Reads a JSON Schema of a review (2020-12, in JSON or YAML), or a preset: its name, or the path of its YAML. Throws
 * FILE_UNREADABLE, CANDIDATE_INVALID or, for what is wrong with a preset, CONFIG_INVALID; each names the place.
 */
export async function readCandidate(place: string): Promise<Candidate> {
  if (Object.hasOwn(presets, place)) return presetAt(place)
  const value = parsed(await read(place), place)
  if (isMapping(value) && 'fields' in value) return presetAt(pathOf(place))
  if (isMapping(value) && OF_A_SCHEMA.some((key) => key in value)) {
    return { kind: 'schema', name: place, validator: validatorOf(value, place) }
  }
  const keys = isMapping(value) ? Object.keys(value).slice(0, 5).join(', ') || 'nothing' : kindOf(value)
  throw invalid(
    `${place}: expected a JSON Schema of a review (with "properties") or a preset (with "fields"), found ${keys}`,
  )
}

const presetAt = async (place: string): Promise<Candidate> => {
  return { kind: 'preset', name: place, place, preset: await loadPreset(place) }
}

async function read(place: string): Promise<string> {
  return readFile(place, 'utf8').catch((cause: unknown) => {
    throw new HeadwaterError(
      'FILE_UNREADABLE',
      `${place}: expected a file with a JSON Schema or a preset, or the name of a preset (${Object.keys(presets).join(', ')})`,
      { cause },
    )
  })
}

/** JSON is YAML, whose parser says where it was lost. */
function parsed(text: string, place: string): unknown {
  const document = parseDocument(text)
  const [error] = document.errors
  if (error !== undefined) throw invalid(`${place}: neither JSON nor YAML: ${error.message}`, error)
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw invalid(`${place}: ${(cause as Error).message}`, cause)
  }
}

function validatorOf(schema: AnySchemaObject, place: string): Validator {
  if (schema['type'] !== undefined && schema['type'] !== 'object') {
    const found = JSON.stringify(schema['type'])
    throw invalid(`${place}: /type: expected "object", since a review is one, found ${found}`)
  }
  try {
    return compileValidator(schema, `${place}@0`)
  } catch (cause) {
    // Ajv calls the schema `data`.
    const why = (cause as Error).message.replace('schema is invalid: ', '').replaceAll(/\bdata\//g, '/')
    throw invalid(`${place}: no JSON Schema of 2020-12: ${why}`, cause)
  }
}

/** A preset in the working folder is told from a name by its path. */
const pathOf = (place: string): string => (/[/.]/.test(place) ? place : `./${place}`)

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === 'object' && !Array.isArray(value)

function kindOf(value: unknown): string {
  if (value === null) return 'nothing'
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`
}

const invalid = (message: string, cause?: unknown): HeadwaterError =>
  new HeadwaterError('CANDIDATE_INVALID', message, { cause })
