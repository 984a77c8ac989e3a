import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import type { ZodObject } from 'zod'
import { HeadwaterError } from '../errors.ts'
import { isOwn } from '../sources/index.ts'
import { check, createProblems, type Place, read } from './check.ts'
import { reasonOf } from './file.ts'
import { interpolate } from './interpolate.ts'
import { isMapping, suggestion } from './names.ts'
import { adapterOf } from './own.ts'
import { withRequests } from './requests.ts'
import {
  COMMON,
  type Config,
  type QueueConfig,
  queueFields,
  type Room,
  ROOMS,
  type Rooms,
  type SourceConfig,
  sourceFields,
  type StoreConfig,
  storeFields,
  topFields,
} from './schema.ts'
import type { SecretOptions } from './secrets/secrets.ts'
import { merge, type Path, shapeOf } from './shape.ts'

export interface LoadOptions extends SecretOptions {
  /** The file that the user named. Else `headwater.yaml` is used where there is one, else the default. */
  readonly path?: string | undefined
  readonly args?: { readonly data?: string | undefined }
  /** Where `headwater.yaml` and `data` are looked for. */
  readonly folder?: string
}

/** Works without any server and loses nothing; what runs where nobody has written a config. */
const DEFAULT = `
sources: [{ name: webhook, type: webhook, path: /hooks/webhook }]
queue: { type: embedded }
store: { type: embedded }
`

/**
 * The config in force, deeply frozen. Throws one CONFIG_INVALID with every problem on a line of its own, never with a
 * secret. Of the adapters, only the chosen ones are loaded.
 */
export async function load(options: LoadOptions, rooms: Rooms = ROOMS): Promise<Config> {
  const { args = {}, folder = '.' } = options
  const { path, text } = await find(options.path, folder)
  const name = path ?? 'the default config'
  const problems = createProblems()
  const { value, references } = await interpolate(parse(text, name), {
    ...options,
    problem: (at, message) => problems.add(at, message),
  })
  const at = path === undefined ? folder : dirname(path)
  const sections = await readSections(await withRequests(withPaths(value, at)), rooms, {
    path: [],
    references,
    problems,
  })
  const lines = problems.lines()
  if (!sections || lines.length > 0) throw invalid(name, lines)
  const dataDir = resolve(folder, args.data ?? 'data')
  const shown = Object.fromEntries(references)
  return freeze({ ...(path === undefined ? {} : { path }), dataDir, ...sections, references: shown })
}

type Sections = Omit<Config, 'path' | 'dataDir' | 'references'>

/** Every section, each read whatever is wrong with the others. Undefined where one could not be read. */
async function readSections(value: unknown, rooms: Rooms, place: Place): Promise<Sections | undefined> {
  const top = check(topFields, read(value, shapeOf(topFields), place), place)
  const given = isMapping(value) ? value : {}
  const [sources, queue, store] = await Promise.all([
    readSources(given['sources'], rooms.sources, place),
    readQueue(given['queue'], rooms.queues, below(place, 'queue')),
    readStore(given['store'], rooms.stores, below(place, 'store')),
  ])
  const own = given['registry']
  const registry = own === undefined ? store : await readStore(own, rooms.stores, below(place, 'registry'))
  if (!top || !queue || !store || !registry) return undefined
  return { ...top, sources, queue, store, registry }
}

async function find(named: string | undefined, folder: string): Promise<{ path?: string; text: string }> {
  const path = named ?? resolve(folder, 'headwater.yaml')
  try {
    return { path, text: await readFile(path, 'utf8') }
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (named === undefined && isAbsent) return { text: DEFAULT }
    throw new HeadwaterError('CONFIG_INVALID', `cannot read ${path}: ${reasonOf(error)}`)
  }
}

/** JSON is YAML too. Aliases are limited, so that a small file can't become a huge one. */
function parse(text: string, name: string): unknown {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: true,
  })
  const faults = [...document.errors, ...document.warnings].map(({ message, pos }) => {
    const { line, col } = lineCounter.linePos(pos[0])
    return `line ${line}, column ${col}: ${message}`
  })
  if (faults.length > 0) throw invalid(name, faults)
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? {}
  } catch (error) {
    throw invalid(name, [error instanceof Error ? error.message : String(error)])
  }
}

/** The same document with the absolute paths of users' own sources. */
function withPaths(value: unknown, folder: string): unknown {
  const sources = isMapping(value) ? value['sources'] : undefined
  if (!isMapping(value) || !Array.isArray(sources)) return value
  const whole = sources.map((source: unknown) => {
    const type = isMapping(source) ? source['type'] : undefined
    return isMapping(source) && typeof type === 'string' && isOwn(type)
      ? { ...source, type: resolve(folder, type) }
      : source
  })
  return { ...value, sources: whole }
}

async function readSources(value: unknown, room: Room, place: Place): Promise<readonly SourceConfig[]> {
  const entries = Array.isArray(value) ? value : []
  const found = await Promise.all(
    entries.map((entry, n) => readSource(entry, room, below(place, 'sources', n))),
  )
  const firstWith = new Map<string, number>()
  for (const [n, entry] of entries.entries()) {
    const name: unknown = isMapping(entry) ? entry['name'] : undefined
    if (typeof name !== 'string') continue
    const first = firstWith.get(name)
    if (first === undefined) firstWith.set(name, n)
    else {
      place.problems.add(
        ['sources', n, 'name'],
        `expected a name of its own, sources[${first}] has ${JSON.stringify(name)} too`,
      )
    }
  }
  return found.filter((source) => source !== undefined)
}

async function readSource(value: unknown, room: Room, place: Place): Promise<SourceConfig | undefined> {
  const chosen = await choose(value, { kind: 'sources', room, common: sourceFields }, place)
  if (!chosen) return undefined
  const common = check(sourceFields, chosen.common, place)
  return (
    common && {
      ...common,
      origin: common.origin ?? common.name,
      type: chosen.type,
      settings: chosen.settings,
    }
  )
}

async function readQueue(value: unknown, room: Room, place: Place): Promise<QueueConfig | undefined> {
  const chosen = await choose(value, { kind: 'queues', room, common: queueFields }, place)
  const common = chosen && check(queueFields, chosen.common, place)
  return common && { ...common, type: chosen.type as QueueConfig['type'], settings: chosen.settings }
}

async function readStore(value: unknown, room: Room, place: Place): Promise<StoreConfig | undefined> {
  const chosen = await choose(value, { kind: 'stores', room, common: storeFields }, place)
  return chosen && { type: chosen.type as StoreConfig['type'], settings: chosen.settings }
}

interface Choice {
  readonly kind: keyof Rooms
  readonly room: Room
  readonly common: ZodObject
}

interface Chosen {
  readonly type: string
  readonly common: Readonly<Record<string, unknown>>
  readonly settings: unknown
}

/** Loads the adapter that a section names and parses the keys that are the adapter's own. */
async function choose(
  value: unknown,
  { kind, room, common }: Choice,
  place: Place,
): Promise<Chosen | undefined> {
  if (!isMapping(value)) return undefined // told already, by the schema of the top level
  const type = value['type']
  const adapter = await adapterFor(type, kind, room, place)
  if (typeof type !== 'string' || !adapter) return undefined
  const { config } = adapter
  const written = read(value, merge(COMMON[kind], shapeOf(config)), place)
  const entries = Object.entries(isMapping(written) ? written : {})
  const isCommon = ([key]: [string, unknown]): boolean => Object.hasOwn(common.shape, key)
  const settings = check(config, Object.fromEntries(entries.filter((entry) => !isCommon(entry))), place)
  return { type, common: Object.fromEntries(entries.filter(isCommon)), settings }
}

/** The adapter that a type names; undefined, and told, where there is none. */
async function adapterFor(type: unknown, kind: keyof Rooms, room: Room, place: Place) {
  const tell = (problem: string): void => place.problems.add([...place.path, 'type'], problem)
  try {
    const adapter = typeof type === 'string' ? await adapterOf(kind, type, room) : undefined
    if (!adapter) tell(unknownType(type, Object.keys(room)))
    return adapter
  } catch (error) {
    if (!(error instanceof HeadwaterError)) throw error
    tell(error.message)
    return undefined
  }
}

function unknownType(type: unknown, types: readonly string[]): string {
  const all = `there are ${types.join(', ')}`
  if (type === undefined) return `missing; ${all}`
  if (typeof type !== 'string') return `expected the name of a type; ${all}`
  const hint = suggestion(type, types)
  return hint === all
    ? `unknown ${JSON.stringify(type)}; ${all}`
    : `unknown ${JSON.stringify(type)}, ${hint} (${all})`
}

const below = (place: Place, ...path: Path): Place => ({ ...place, path: [...place.path, ...path] })

function invalid(name: string, lines: readonly string[]): HeadwaterError {
  const heading = `${lines.length === 1 ? 'one problem' : `${lines.length} problems`} in ${name}`
  return new HeadwaterError('CONFIG_INVALID', [heading, ...lines].join('\n'))
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) freeze(inner)
  }
  return value
}
