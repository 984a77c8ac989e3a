import fastify, { type FastifyInstance } from 'fastify'
import type { Address } from './lib/fields.ts'
import { HeadwaterError } from './errors.ts'

/** The listener that may face the internet. Sources add their routes before it listens. */
export function createIntakeListener(): FastifyInstance {
  const listener = fastify({ forceCloseConnections: true, requestTimeout: 60_000, keepAliveTimeout: 75_000 })
  // What was asked for is not repeated: it may hold a secret, and is nobody's business.
  listener.setNotFoundHandler((_, reply) => reply.code(404).send({ error: 'no source listens at this path' }))
  return listener
}

/** Resolves to the URL, with the port that was really taken. */
export async function listen(
  listener: FastifyInstance,
  { host, port }: Address,
  key: string,
): Promise<string> {
  try {
    return await listener.listen({ host, port })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'something else listens there' : (cause as Error).message
    const message = `${key}: cannot listen on ${host}:${port}: ${why}; choose another port, or 0 for any free one`
    throw new HeadwaterError('CANNOT_LISTEN', message, code === 'EADDRINUSE' ? {} : { cause })
  }
}
