import type { FastifyReply, FastifyRequest } from 'fastify'
import { z, type ZodType } from 'zod'
import type { Role, Who } from './access.ts'

/** One thing that can be asked. What checks a request and what /api says of it are made from the same declaration. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** With parameters in braces, such as `/api/reviews/{key}`. */
  readonly path: string
  readonly summary: string
  /** The least role that may ask; `nobody` needs none. */
  readonly access: Role | 'nobody'
  readonly params: ZodType
  readonly query: ZodType
  /** Undefined where a body is not read. */
  readonly body: ZodType | undefined
  readonly answer: ZodType
  /** The media type of the answer. */
  readonly type: string
  readonly handle: (asked: Asked<unknown, unknown, unknown>) => unknown
}

/** A request that was found good. */
export interface Asked<Params, Query, Body> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  readonly who: Who
  /** Aborts once nobody waits for the answer. */
  readonly signal: AbortSignal
  readonly request: FastifyRequest
  /** To set a header, or to answer by hand after `hijack()`. */
  readonly reply: FastifyReply
}

interface Declared<
  Params extends ZodType,
  Query extends ZodType,
  Body extends ZodType,
  Answer extends ZodType,
> {
  readonly method?: Route['method']
  readonly path: string
  readonly summary: string
  readonly access?: Route['access']
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  readonly answer: Answer
  readonly type?: string
  readonly handle: (
    asked: Asked<z.output<Params>, z.output<Query>, z.output<Body>>,
  ) => z.input<Answer> | Promise<z.input<Answer>>
}

const NOTHING = z.strictObject({})
type Nothing = typeof NOTHING

/** Unless told otherwise it is a GET, for readers, without parameters, of JSON. */
export function route<
  Answer extends ZodType,
  Params extends ZodType = Nothing,
  Query extends ZodType = Nothing,
  Body extends ZodType = Nothing,
>(declared: Declared<Params, Query, Body, Answer>): Route {
  const { method = 'GET', path, summary, answer } = declared
  return {
    method,
    path,
    summary,
    answer,
    access: declared.access ?? (method === 'GET' ? 'reader' : 'operator'),
    params: declared.params ?? NOTHING,
    query: declared.query ?? NOTHING,
    body: declared.body,
    type: declared.type ?? 'application/json',
    // What it is given has gone through its own schemas, which the type of a list of routes can't say.
    handle: declared.handle as Route['handle'],
  }
}
