import type { IncomingMessage, ServerResponse } from 'node:http'
import { HeadwaterError } from '../../errors.ts'
import { answer } from '../../lib/answer.ts'
import type { SourceAdapter, SourceContext, Take } from '../source.ts'
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
    if (context.http.add(path, takeWith(intake, context))) return intake
    throw new HeadwaterError('CONFIG_INVALID', `source ${context.name}: another source has the path ${path}`)
  },
}

export default webhook

/** Throws where senders that nobody knows could reach the listener. */
export function verifyOf(
  { verify }: Pick<Config, 'verify'>,
  { name, httpIsLoopback }: SourceContext,
): Verify {
  if (verify !== undefined) return verify
  if (httpIsLoopback) return 'none'
  throw new HeadwaterError(
    'CONFIG_INVALID',
    `source ${name}: expected verify, since others than this machine can reach the listener; ` +
      'name a scheme, or write `verify: none` to take reviews from anybody',
  )
}

/** Answers a request, whatever becomes of it. */
function takeWith(intake: Intake, context: SourceContext): Take {
  const tell = createRefusals(context.name, context.logger, context.clock)

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (context.permit?.isPaused === true) throw new Refused(503, 'the source is paused; try again later')
      answer(response, 202, await intake.receive(request, () => response.writeContinue()))
    } catch (error) {
      const refused = refusalOf(error, context)
      tell(refused)
      refuse(response, refused, intake.stopping)
    }
  }

  return (request, response) => {
    if (request.method === 'POST') void receive(request, response)
    else answer(response, 405, { error: notPosted(request) }, { allow: 'POST' })
  }
}

/** Also what a browser shows to a person who tries the address. */
const notPosted = ({ method }: IncomingMessage): string =>
  `expected a POST with a review, or several, as JSON; received a ${method}`

/** Tells a sender why not. */
export function refuse(response: ServerResponse, { status, message }: Refused, isStopping: boolean): void {
  answer(
    response,
    status,
    { error: message },
    {
      ...(status === 503 && { 'retry-after': String(retryAfterSeconds()) }),
      ...(isStopping && { connection: 'close' }),
    },
  )
}

/** Our own trouble is never the sender's fault: whatever isn't a refusal is a 503. */
export function refusalOf(error: unknown, { name: source, logger }: SourceContext): Refused {
  if (error instanceof Refused) return error
  logger.error({ source, error }, 'a delivery failed')
  return new Refused(503, 'the delivery could not be taken; try again later', { cause: error })
}

/** Spread a little, so that senders don't come back all at once. */
function retryAfterSeconds(): number {
  return 5 + Math.floor(Math.random() * 3)
}
