import { z, type ZodType } from 'zod'
import pkg from '../../package.json' with { type: 'json' }
import type { Route } from './route.ts'

type Json = Readonly<Record<string, unknown>>

/** The OpenAPI 3.1 document of routes, made from what checks their requests. */
export function describeApi(routes: readonly Route[]): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Headwater',
      version: pkg.version,
      description:
        'What the console is made of. Changes need the token of an operator; one that comes from a browser must come from the console itself.',
      license: { name: pkg.license, identifier: pkg.license },
    },
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'headwater_<port>',
          description: 'Given by POST /api/session.',
        },
      },
      schemas: { Refusal: shapeOf(refusal, 'output') },
    },
  }
}

const refusal = z.object({
  error: z.string().meta({ description: 'A sentence for a person.' }),
  code: z.string().meta({ description: 'As docs/errors.md explains it.' }),
})

const REFUSED = {
  description: 'Why not.',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } },
}

function operationOf({ method, path, summary, access, params, query, body, answer, type }: Route): Json {
  const name = path.replaceAll(/[^a-zA-Z]+(\w)?/g, (_, first: string = '') => first.toUpperCase())
  const isEmpty = answer instanceof z.ZodUndefined && type === 'application/json'
  const schema = answer instanceof z.ZodUndefined ? { type: 'string' } : shapeOf(answer, 'output')
  return {
    operationId: method.toLowerCase() + name,
    summary,
    ...(access === 'nobody' ? { security: [] } : { security: [{ token: [] }, { session: [] }] }),
    ...(access === 'operator' && { description: 'For operators.' }),
    parameters: [...parametersOf(params, 'path'), ...parametersOf(query, 'query')],
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: shapeOf(body, 'input') } } },
    }),
    responses: isEmpty
      ? { 204: { description: 'Done.' }, default: REFUSED }
      : { 200: { description: 'As asked.', content: { [type]: { schema } } }, default: REFUSED },
  }
}

function parametersOf(schema: ZodType, place: 'path' | 'query'): readonly Json[] {
  const { properties = {}, required = [] } = shapeOf(schema, 'input') as {
    readonly properties?: Readonly<Record<string, Json>>
    readonly required?: readonly string[]
  }
  return Object.entries(properties).map(([name, { description, ...shape }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema: shape,
  }))
}

function shapeOf(schema: ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...shape } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return shape
}
