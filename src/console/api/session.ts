import { hostname } from 'node:os'
import { z } from 'zod'
import pkg from '../../../package.json' with { type: 'json' }
import type { Who } from '../access.ts'
import { route, type Route } from '../route.ts'
import type { ApiParts } from './parts.ts'

const session = z.object({
  role: z.enum(['operator', 'reader']),
  needsToken: z.boolean().meta({ description: 'Whether somebody without a token is told nothing.' }),
  host: z.string(),
  version: z.string(),
  run: z.string().meta({ description: 'The number of this start of the process.' }),
})

export type Session = z.output<typeof session>

export function sessionRoutes({ access, run }: ApiParts): readonly Route[] {
  const told = ({ role }: Who) => {
    return { role, needsToken: access.needsToken, host: hostname(), version: pkg.version, run }
  }
  return [
    route({
      path: '/api/session',
      summary: 'Who asks, and who answers',
      answer: session,
      handle: ({ who }) => told(who),
    }),
    route({
      method: 'POST',
      path: '/api/session',
      summary: 'Begins a session in exchange for a token; wrong ones are slowed down',
      access: 'nobody',
      body: z.strictObject({ token: z.string().max(10_000) }),
      answer: session,
      handle: ({ request, reply, body }) => told(access.signIn(request, reply, body.token)),
    }),
    route({
      method: 'DELETE',
      path: '/api/session',
      summary: 'Ends the session',
      access: 'nobody',
      answer: z.undefined(),
      handle({ request, reply }) {
        access.signOut(request, reply)
        return undefined
      },
    }),
  ]
}
