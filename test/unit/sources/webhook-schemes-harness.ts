import assert from 'node:assert/strict'
import { check, createProblems } from '../../../src/config/check.ts'
import { config, type Verify } from '../../../src/sources/webhook/config.ts'
import { Refused } from '../../../src/sources/webhook/refused.ts'
import type { Claim, Head } from '../../../src/sources/webhook/schemes/scheme.ts'
import { schemeOf } from '../../../src/sources/webhook/verify.ts'

/** When all deliveries of these tests arrive. */
export const NOW = 1_700_000_000_000
export const BODY = Buffer.from('{"rating":5}')

export type Headers = Readonly<Record<string, string | undefined>>

/** What a config makes of `verify:`. */
export function parsed(verify: object): Verify {
  const { verify: read } = config.parse({ verify })
  assert.ok(read)
  return read
}

/** What a user is told of a `verify:` with these keys. */
export function problemsOf(verify: object): readonly string[] {
  const problems = createProblems()
  check(config, { verify }, { path: [], references: new Map(), problems })
  return problems.lines()
}

/** What a request claims; undefined where its head alone is refused, which has to be a 401 that tells no secret. */
export function claimOf(verify: Verify, head: Partial<Head>, nowMs = NOW): Claim | undefined {
  try {
    return schemeOf(verify).claim({ headers: {}, ...head }, nowMs)
  } catch (error) {
    assert.ok(error instanceof Refused)
    assert.equal(error.status, 401)
    const { secrets } = verify as { secrets: readonly string[] }
    for (const secret of secrets) assert.ok(!error.message.includes(secret.replace(/^wh(sec|pk)_/, '')))
    return undefined
  }
}

/** Whether a delivery passes, head and body. */
export function passes(verify: Verify, headers: Headers, body = BODY): boolean {
  return claimOf(verify, { headers })?.isProvenBy(body) ?? false
}
