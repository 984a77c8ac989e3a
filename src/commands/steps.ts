import { readFile } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { text } from 'node:stream/consumers'
import { isDeepStrictEqual } from 'node:util'
import type { Command } from 'commander'
import { HeadwaterError } from '../errors.ts'
import { REVIEW_FIELDS, fieldType, type ReviewField } from '../review/fields.ts'
import type { Scalar, Step } from '../review/repair.ts'
import type { Io } from './command.ts'

/** The options that say how to mend a fault. */
export interface StepOptions {
  readonly parse?: readonly Written[]
  readonly set?: readonly Written[]
  readonly default?: readonly Written[]
  readonly copy?: readonly Written[]
  readonly move?: readonly Written[]
  readonly remove?: readonly Written[]
  readonly steps?: string
}

/** One step as it was written, and which of all options it was: steps are done in the order in which they are typed. */
interface Written {
  readonly order: number
  readonly step: object
}

/** Adds the options that `stepsOf` reads. */
export function addStepOptions(command: Command): Command {
  let order = 0
  const step =
    (read: (text: string) => object) =>
    (text: string, before: readonly Written[] = []): readonly Written[] => [
      ...before,
      { order: order++, step: read(text) },
    ]
  return command
    .option(
      '--parse <field=parser>',
      'read a field by a parser of the presets, such as rating=stars',
      step(parse),
    )
    .option('--set <field=value>', 'put a value there, whatever it was', step(set))
    .option(
      '--default <field=value>',
      'put a value there where there is none; /context/… and /item/… say where it is found',
      step(byDefault),
    )
    .option('--copy <pointer=field>', 'from the item or its context: /item/author/id=user_id', step(copy))
    .option('--move <from=to>', 'from one field to another', step(move))
    .option('--remove <field>', 'leave a field out', step(remove))
    .option('--steps <file>', 'a list of steps as YAML or JSON; - reads standard input')
}

/** The steps that the options say, checked; none where none is asked for. Throws USAGE. */
export async function stepsOf({ steps: file, ...options }: StepOptions, io: Io): Promise<readonly Step[]> {
  const typed = [options.parse, options.set, options.default, options.copy, options.move, options.remove]
    .flatMap((written = []) => written)
    .toSorted((a, b) => a.order - b.order)
    .map(({ step }) => step)
  if (file === undefined && typed.length === 0) return []
  if (file !== undefined && typed.length > 0)
    throw new HeadwaterError('USAGE', '--steps: holds all the steps; leave --parse and the others out')
  const { readSteps } = await import('../presets/repair.ts')
  return readSteps(file === undefined ? typed : await readFrom(file, io))
}

/**
 * What a person types to have these steps done, where it can be typed and means the same; it goes behind the name of a
 * command.
 */
export function optionsOf(steps: readonly Step[]): string | undefined {
  const options = steps.map(optionOf)
  return options.every((option) => option !== undefined) ? options.join(' ') : undefined
}

function optionOf(step: Step): string | undefined {
  const [name, text] = written(step)
  const word = quoted(text)
  return word !== undefined && isDeepStrictEqual(READERS[name](text), step) ? `--${name} ${word}` : undefined
}

function written(step: Step): readonly [name: keyof typeof READERS, text: string] {
  if ('parse' in step) return ['parse', `${step.parse}=${step.as}`]
  if ('set' in step) return ['set', `${step.set}=${step.to}`]
  if ('default' in step) return ['default', `${step.default}=${'to' in step ? step.to : step.from}`]
  if ('copy' in step) return ['copy', `${step.copy}=${step.to}`]
  if ('move' in step) return ['move', `${step.move}=${step.to}`]
  return ['remove', step.remove]
}

/** One word for a shell, where it is one that a person can type. */
function quoted(text: string): string | undefined {
  if (/^[\w./:=~-]+$/.test(text)) return text
  return /^[\p{L}\p{N}\p{P}\p{S} ]+$/u.test(text) && !text.includes("'") ? `'${text}'` : undefined
}

const parse = (text: string): object => {
  const [field, as] = halves(text)
  return { parse: field, as }
}

const set = (text: string): object => {
  const [field, value] = halves(text)
  return { set: field, to: scalar(field, value) }
}

const byDefault = (text: string): object => {
  const [field, value] = halves(text)
  return /^\/(?:context|item|review)\//.test(value)
    ? { default: field, from: value }
    : { default: field, to: scalar(field, value) }
}

const remove = (text: string): object => ({ remove: text })

/** A pointer may hold an equals sign, a field does not. */
const copy = (text: string): object => {
  const at = text.lastIndexOf('=')
  return { copy: text.slice(0, Math.max(at, 0)), to: text.slice(at + 1) }
}

const move = (text: string): object => {
  const [from, to] = halves(text)
  return { move: from, to }
}

/** What each option makes of its text. */
const READERS = { parse, set, default: byDefault, copy, move, remove }

function halves(text: string): [string, string] {
  const at = text.indexOf('=')
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

/** As the field holds it, where it can be read so. */
function scalar(field: string, text: string): Scalar {
  if (!REVIEW_FIELDS.includes(field as ReviewField)) return text
  const type = fieldType(field as ReviewField)
  if ((type === 'number' || type === 'integer') && /^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  if (type === 'boolean' && /^(?:true|false)$/.test(text)) return text === 'true'
  return text
}

async function readFrom(path: string, io: Io): Promise<unknown> {
  const reading = path === '-' ? text(addAbortSignal(io.signal, io.stdin)) : readFile(path, 'utf8')
  const written = await reading.catch((cause: unknown) => {
    io.signal.throwIfAborted()
    throw new HeadwaterError('USAGE', `--steps: cannot read ${path}`, { cause })
  })
  const { parse: parseYaml } = await import('yaml')
  try {
    return parseYaml(written, { maxAliasCount: 100 })
  } catch (cause) {
    throw new HeadwaterError('USAGE', `--steps: ${path} is not YAML: ${(cause as Error).message}`, { cause })
  }
}
