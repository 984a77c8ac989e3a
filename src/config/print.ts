import { stringify } from 'yaml'
import { HIDDEN, isSecretName, redactText } from '../lib/redact.ts'
import { type Show, toWritten } from './names.ts'
import { adapterOf } from './own.ts'
import { COMMON, type Config, type Room, ROOMS, type Rooms, topFields } from './schema.ts'
import { fields, forms, isSecret, merge, type Path, pathText, type Shape, shapeOf, typesOf } from './shape.ts'

/** The config in force as YAML, see `shown`. */
export async function print(config: Config, rooms: Rooms = ROOMS): Promise<string> {
  return stringify(await shown(config, rooms))
}

/** The config in force as users write it: defaults filled in, secrets as `***`, references such as `${NAME}` as they were written. */
export async function shown(
  config: Config,
  rooms: Rooms = ROOMS,
): Promise<Readonly<Record<string, unknown>>> {
  const show = shownIn(config)
  const section = async (
    kind: keyof Rooms,
    { settings, ...common }: Section,
    path: Path,
  ): Promise<unknown> => {
    const shape = await sectionShape(kind, common.type, rooms[kind])
    return toWritten({ ...common, ...Object(settings) }, shape, path, show)
  }
  const { http, admin, deadLetters, alerts, log, registry, store } = config
  return {
    sources: await Promise.all(config.sources.map((source, n) => section('sources', source, ['sources', n]))),
    queue: await section('queues', config.queue, ['queue']),
    store: await section('stores', store, ['store']),
    ...(registry === store ? {} : { registry: await section('stores', registry, ['registry']) }),
    ...Object(toWritten({ http, admin, deadLetters, alerts, log }, shapeOf(topFields), [], show)),
  }
}

/** JSON Schema (2020-12) of the config file, with every adapter there is, for editors that complete and check. */
export async function jsonSchema(rooms: Rooms = ROOMS): Promise<object> {
  const top = shapeOf(topFields)
  const choice = async (kind: keyof Rooms): Promise<Shape> => ({
    anyOf: await Promise.all(Object.keys(rooms[kind]).map((type) => sectionShape(kind, type, rooms[kind]))),
  })
  const [sources, queue, store] = await Promise.all([choice('sources'), choice('queues'), choice('stores')])
  const { properties = {} } = top
  const complete: Shape = {
    ...top,
    properties: {
      ...properties,
      sources: {
        ...properties['sources'],
        type: 'array',
        items: { anyOf: [...(sources.anyOf ?? []), OWN_SOURCE] },
      },
      queue: { ...queue, ...describe(properties['queue']) },
      store: { ...store, ...describe(properties['store']) },
      registry: { ...store, ...describe(properties['registry']) },
    },
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Headwater configuration',
    ...written(complete),
  }
}

/** The shape of a section that names this type: the keys that all of its kind have, and the adapter's own. */
export async function sectionShape(kind: keyof Rooms, type: string, room: Room): Promise<Shape> {
  const adapter = await adapterOf(kind, type, room)
  const shape = merge(COMMON[kind], adapter ? shapeOf(adapter.config) : {})
  const named = (object: Shape): Shape => ({
    ...object,
    properties: { ...object.properties, type: { ...object.properties?.['type'], const: type } },
  })
  return shape.anyOf ? { ...shape, anyOf: shape.anyOf.map(named) } : named(shape)
}

/** A source of the user's own: what its keys are is known where its module is. */
const OWN_SOURCE: Shape = {
  ...COMMON.sources,
  properties: { ...COMMON.sources.properties, type: { type: 'string', pattern: '[/.]' } },
  additionalProperties: true,
}

type Section = { readonly type: string; readonly settings: unknown }

function shownIn({ references }: Config): Show {
  return (value, shape, path) => {
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined
    if (isSecret(shape)) return HIDDEN
    const reference = references[pathText(path)]
    if (reference !== undefined) return reference
    if (typeof value !== 'string') return undefined
    return isSecretName(String(path.at(-1))) ? HIDDEN : redactText(value).replaceAll('${', '$${')
  }
}

const describe = (shape: Shape | undefined): Shape =>
  shape?.description === undefined ? {} : { description: shape.description }

/** The same shape with the keys that users write, and with references allowed wherever a value may stand. */
function written(shape: Shape): Shape {
  const names = new Map(fields(shape).map((field) => [field.key, field.written]))
  const {
    secret: _,
    unit: __,
    expected: ___,
    properties,
    required,
    items,
    additionalProperties,
    ...rest
  } = shape
  const result: Shape = {
    ...rest,
    ...(shape.anyOf ? { anyOf: shape.anyOf.map(written) } : {}),
    ...(shape.oneOf ? { oneOf: shape.oneOf.map(written) } : {}),
    ...(properties ? { properties: renamed(properties, names) } : {}),
    ...(required ? { required: required.map((key) => names.get(key) ?? key) } : {}),
    ...(items ? { items: written(items) } : {}),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: writtenRest(additionalProperties) }),
  }
  return takesReference(shape) ? orReference(result) : result
}

function renamed(properties: NonNullable<Shape['properties']>, names: ReadonlyMap<string, string>) {
  const entries = Object.entries(properties).map(
    ([key, child]) => [names.get(key) ?? key, written(child)] as const,
  )
  return Object.fromEntries(entries)
}

const writtenRest = (rest: boolean | Shape): boolean | Shape =>
  typeof rest === 'boolean' ? rest : written(rest)

/** A number, a boolean, or a text of certain forms only: an editor would refuse `${NAME}` there. */
function takesReference(shape: Shape): boolean {
  const isLeaf = !forms(shape).some(({ type }) => type === 'object' || type === 'array')
  const types = typesOf(shape)
  const isFree = types.includes('string') && shape.enum === undefined && shape.pattern === undefined
  return isLeaf && types.length > 0 && shape.const === undefined && !isFree
}

function orReference({ description, default: fallback, ...shape }: Shape): Shape {
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    anyOf: [shape, { type: 'string', pattern: '\\$\\{' }],
  }
}
