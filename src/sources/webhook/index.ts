import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { HeadwaterError } from '../../errors.ts'
import type { SourceAdapter, SourceContext } from '../source.ts'
import { type Config, config, type Verify } from './config.ts'
import { type Intake, openIntake } from './intake.ts'
import { Refused } from './refused.ts'
import { createRefusals } from './refusals.ts'

/**
 * Takes reviews that are posted to it: one, an array, or a line each. The answer is given once they are acknowledged,
 * so a sender that reads 202 may forget them.
 */
const webhook: SourceAdapter<Config> = {
  config,
  async open(given, context) {
    const path = given.path ?? `/hooks/${context.name}`
    const intake = openIntake({ ...given, path, verify: verifyOf(given, context) }, context)
    await addRoute(context.http, path, intake, context)
    return intake
  },
}

export default webhook

function verifyOf({ verify }: Config, { name, httpIsLoopback }: SourceContext): Verify {
  if (verify !== undefined) return verify
  if (httpIsLoopback) return 'none'
  throw new HeadwaterError(
    'CONFIG_INVALID',
    `source ${name}: expected verify, since others than this machine can reach the listener; ` +
      'name a scheme, or write `verify: none` to take reviews from anybody',
  )
}

/** In a scope of its own: bodies arrive here unread, whatever the rest of the listener does with its own. */
async function addRoute(
  http: FastifyInstance,
  path: string,
  intake: Intake,
  context: SourceContext,
): Promise<void> {
  if (http.hasRoute({ method: 'POST', url: path })) {
    throw new HeadwaterError('CONFIG_INVALID', `source ${context.name}: another source has the path ${path}`)
  }
  const tell = createRefusals(context.name, context.logger, context.clock)
  await http.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.setErrorHandler((error, _request, reply) => {
      const refused = refusalOf(error, context)
      tell(refused)
      return answer(refused, reply, intake)
    })
    scope.post(path, async (request, reply) => {
      const invite = (): void => reply.raw.writeContinue()
      return reply.code(202).send(await intake.receive(request.raw, invite))
    })
    scope.route({ method: ['GET', 'PUT', 'PATCH', 'DELETE'], url: path, handler: notPosted })
  })
}

/** Also what a browser shows to a person who tries the address. */
function notPosted({ method }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = `expected a POST with a review, or several, as JSON; received a ${method}`
  return reply.code(405).header('allow', 'POST').send({ error })
}

function answer({ status, message }: Refused, reply: FastifyReply, intake: Intake): FastifyReply {
  if (status === 503) reply.header('retry-after', retryAfterSeconds())
  if (intake.stopping) reply.header('connection', 'close')
  return reply.code(status).send({ error: message })
}

/** Our own trouble is never the sender's fault: whatever isn't a refusal is a 503. */
function refusalOf(error: unknown, { name: source, logger }: SourceContext): Refused {
  if (error instanceof Refused) return error
  if (isUnreadableType(error)) return new Refused(415, 'expected a content-type such as application/json')
  logger.error({ source, error }, 'a delivery failed')
  return new Refused(503, 'the delivery could not be taken; try again later', { cause: error })
}

/** Fastify itself refuses a content-type that is none. */
function isUnreadableType(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
}

/** Spread a little, so that senders don't come back all at once. */
function retryAfterSeconds(): number {
  return 5 + Math.floor(Math.random() * 3)
}
