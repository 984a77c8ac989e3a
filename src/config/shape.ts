import { z, type ZodType } from 'zod'

/** What a schema takes in, as JSON Schema: the one form from which names, messages and documents are made. */
export interface Shape {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Shape
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
  readonly oneOf?: readonly Shape[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly description?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly pattern?: string
  /** Marks of our own, from `.meta()`; see fields.ts. */
  readonly secret?: boolean
  readonly unit?: 'duration' | 'bytes' | 'address'
  readonly expected?: string
}

export type Path = readonly (string | number)[]

/** Made once for a schema: it takes a while, and a config may have thousands of sources. */
const known = new WeakMap<ZodType, Shape>()

/** The shape of what a zod schema accepts, with the keys that code uses. */
export function shapeOf(schema: ZodType): Shape {
  const shape = known.get(schema) ?? made(schema)
  known.set(schema, shape)
  return shape
}

function made(schema: ZodType): Shape {
  const { $schema: _, ...shape } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return shape as Shape
}

/** One mapping with the keys of both. Where the second is a choice between mappings, so is the result. */
export function merge(common: Shape, shape: Shape): Shape {
  const merged = objects(shape).map((object) => ({
    ...object,
    properties: { ...common.properties, ...object.properties },
    required: [...(common.required ?? []), ...(object.required ?? [])],
  }))
  return merged.length === 1 && merged[0] ? merged[0] : { anyOf: merged }
}

/** The shape itself and every shape that it is a choice of. */
export function forms(shape: Shape): readonly Shape[] {
  return [shape, ...[...(shape.anyOf ?? []), ...(shape.oneOf ?? [])].flatMap(forms)]
}

/** The mappings with named keys that this shape may be. */
export function objects(shape: Shape): readonly Shape[] {
  return forms(shape).filter(({ properties }) => properties !== undefined)
}

/** The keys a mapping of this shape may have: as users write them, as code reads them, and what is in them. */
export function fields(shape: Shape): readonly Field[] {
  const found = new Map<string, Field & { readonly shapes: Shape[] }>()
  for (const object of objects(shape)) {
    for (const [key, child] of Object.entries(object.properties ?? {})) {
      const known = found.get(key)
      if (known) known.shapes.push(child)
      else found.set(key, { key, written: writtenName(key, child), shapes: [child] })
    }
  }
  return [...found.values()]
}

export interface Field {
  readonly key: string
  readonly written: string
  /** One for each alternative that has the key. */
  readonly shapes: readonly Shape[]
}

/** What is below a key or an index, named as code does. */
export function childOf(shape: Shape, step: string | number): Shape {
  const children = forms(shape).flatMap(({ properties, additionalProperties, items }) => {
    if (typeof step === 'number') return items ? [items] : []
    const named = properties?.[step]
    return named ? [named] : typeof additionalProperties === 'object' ? [additionalProperties] : []
  })
  const child: Shape = children.length === 1 && children[0] ? children[0] : { anyOf: children }
  return isSecret(shape) ? { ...child, secret: true } : child
}

/** Whether nobody may see what is in here. Holds for everything below as well. */
export function isSecret(shape: Shape): boolean {
  return forms(shape).some(({ secret }) => secret === true)
}

/** The unit in which people write it, if it has one. */
export function unitOf(shape: Shape): Shape['unit'] {
  return forms(shape).find(({ unit }) => unit !== undefined)?.unit
}

/** The types of JSON that are accepted here. */
export function typesOf(shape: Shape): readonly string[] {
  return [...new Set(forms(shape).flatMap(({ type }) => type ?? []))]
}

/** A path as people read it: `sources[1].every`. */
export function pathText(path: Path): string {
  return path.map((step, n) => (typeof step === 'number' ? `[${step}]` : keyText(step, n))).join('')
}

function keyText(key: string, position: number): string {
  if (!/^[\w-]+$/.test(key)) return `[${JSON.stringify(key)}]`
  return position === 0 ? key : `.${key}`
}

/** `maxItems` is written `max_items`, and the duration `deadlineMs` is written `deadline`. */
function writtenName(key: string, shape: Shape): string {
  const named = unitOf(shape) === 'duration' ? key.replace(/(?<=.)Ms$/, '') : key
  return named.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
