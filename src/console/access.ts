import { hash, timingSafeEqual } from 'node:crypto'
import { hostname } from 'node:os'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { HeadwaterError } from '../errors.ts'
import { isLoopback } from '../lib/fields.ts'
import type { Attempts } from './attempts.ts'
import { SESSION_MS, type Sessions } from './sessions.ts'

/** A reader may look at everything; an operator may change things, too. */
export type Role = 'reader' | 'operator'

export interface Who {
  readonly role: Role
  /** For the log of changes. */
  readonly name: string
  /** Whether the session is over by now; absent where there is none to end. */
  readonly hasEnded?: () => boolean
}

export interface AccessOptions {
  /** Makes an operator; without it whoever reaches the listener is one. */
  readonly token: string | undefined
  /** Makes a reader. */
  readonly readOnlyToken: string | undefined
  /** Where browsers find the console, where that is not the listener itself. */
  readonly publicUrl: string | undefined
  readonly sessions: Sessions
  readonly attempts: Attempts
}

/** Decides who asks and what they may. What is not allowed is thrown: TOKEN_NEEDED, NOT_ALLOWED or TOO_MANY_TRIES. */
export interface Access {
  /** Whether somebody without a token is told nothing. */
  readonly needsToken: boolean
  /** Who asks, where it is at least one of this role. */
  admit(request: FastifyRequest, least: Role): Who
  /** Refuses a change that a page of another place may have made a browser ask for. */
  refuseForeign(request: FastifyRequest): void
  /** Gives a session for a token. */
  signIn(request: FastifyRequest, reply: FastifyReply, token: string): Who
  signOut(request: FastifyRequest, reply: FastifyReply): void
}

/** The token that a program sends; the name of the scheme is in any case. */
function bearerOf({ headers: { authorization = '' } }: FastifyRequest): string | undefined {
  return /^bearer +(.*)$/i.exec(authorization)?.[1]
}

export function createAccess(options: AccessOptions): Access {
  const { token, readOnlyToken, publicUrl, sessions, attempts } = options
  const needsToken = token !== undefined
  const known = publicUrl === undefined ? undefined : new URL(publicUrl)
  const isSecure = known?.protocol === 'https:'

  /**
   * Of its own for each port that browsers know, since they send a cookie to all ports of a host. Where they come by https, no other
   * host and no plain connection can set it.
   */
  function cookieName({ headers: { host = '' } }: FastifyRequest): string {
    const [port = ''] = /:\d+$/.exec(known?.host ?? host) ?? []
    return `${isSecure ? '__Host-' : ''}headwater${port.replace(':', '_')}`
  }

  function secretOf(request: FastifyRequest): string | undefined {
    const start = `${cookieName(request)}=`
    const found = request.headers.cookie?.split('; ').find((part) => part.startsWith(start))
    return found?.slice(start.length)
  }

  function roleOf(given: string): Role | undefined {
    // Both are compared, whatever comes of the first.
    const [isOperator, isReader] = [isSame(given, token), isSame(given, readOnlyToken)]
    if (isOperator) return 'operator'
    return isReader ? 'reader' : undefined
  }

  /** Somebody's page may have its own name lead to this machine; no browser then says a name of this machine. */
  function refuseRebound({ headers: { host = '' } }: FastifyRequest): void {
    const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
    if (isLoopback(name) || host === known?.host) return
    throw new HeadwaterError(
      'NOT_ALLOWED',
      `expected the name of this machine, such as localhost, and was asked as ${JSON.stringify(host.slice(0, 100))}; ` +
        'set admin.public_url where a proxy stands in front, or a token',
    )
  }

  function tryToken(given: string, { ip }: FastifyRequest): Role {
    attempts.check(ip)
    const role = roleOf(given)
    if (role === undefined) {
      attempts.failed(ip)
      throw new HeadwaterError('TOKEN_NEEDED', 'expected the token of admin.token or admin.read_only_token')
    }
    attempts.succeeded(ip)
    return role
  }

  function identify(request: FastifyRequest): Who {
    if (!needsToken) {
      refuseRebound(request)
      return { role: 'operator', name: `operator @ ${hostname()}` }
    }
    const given = bearerOf(request)
    if (given !== undefined) {
      const role = tryToken(given, request)
      return { role, name: `${role} (token)` }
    }
    const secret = secretOf(request) ?? ''
    const session = sessions.find(secret)
    if (session) {
      const name = `${session.role} (session ${session.name})`
      return { role: session.role, name, hasEnded: () => sessions.find(secret) === undefined }
    }
    throw new HeadwaterError('TOKEN_NEEDED', 'expected the token of admin.token or admin.read_only_token')
  }

  return {
    needsToken,
    admit(request, least) {
      const who = identify(request)
      if (least === 'reader' || who.role === 'operator') return who
      throw new HeadwaterError('NOT_ALLOWED', 'expected an operator; this token is for reading only')
    },
    refuseForeign(request) {
      const { origin, host, 'sec-fetch-site': site } = request.headers
      // No page can make a browser send a token that it does not know.
      if (needsToken && bearerOf(request) !== undefined) return
      const isOwn = origin !== undefined && (hostOf(origin) === host || origin === known?.origin)
      const isProgram = origin === undefined && site === undefined && secretOf(request) === undefined
      if (isProgram || (isOwn && (site === undefined || site === 'same-origin'))) return
      throw new HeadwaterError('NOT_ALLOWED', 'expected a change to be asked for by the console itself')
    },
    signIn(request, reply, given) {
      if (!needsToken) return identify(request)
      const role = tryToken(given, request)
      const secret = sessions.begin(role)
      const name = sessions.find(secret)?.name ?? ''
      void reply.header('set-cookie', cookie(request, secret, SESSION_MS / 1_000))
      return { role, name: `${role} (session ${name})` }
    },
    signOut(request, reply) {
      sessions.end(secretOf(request) ?? '')
      void reply.header('set-cookie', cookie(request, '', 0))
    },
  }

  function cookie(request: FastifyRequest, value: string, seconds: number): string {
    const secure = isSecure ? '; Secure' : ''
    return `${cookieName(request)}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`
  }
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

/** Compares digests, which have one length whatever was sent. */
function isSame(given: string, expected: string | undefined): boolean {
  const digest = (text: string): Buffer => hash('sha256', text, 'buffer')
  return timingSafeEqual(digest(given), digest(expected ?? '')) && expected !== undefined
}
