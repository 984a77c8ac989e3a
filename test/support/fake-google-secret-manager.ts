import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Answer, type Asked, HELD, openProvider, type Provider, type Reply } from './provider.ts'

/** The bytes of a version, or the error that the service gives in its place. */
export type GoogleSecret = Buffer | string | Refusal | typeof HELD

export interface Refusal {
  readonly code: number
  readonly status: string
  readonly message: string
}

/** By their full name: `projects/P/secrets/S/versions/V`. */
export type GoogleSecrets = Readonly<Record<string, GoogleSecret>>

export interface FakeGoogle extends Provider {
  /** Writes credentials to this folder, those of a workload from elsewhere, and tells their path. */
  writeCredentials(folder: string, subjectToken?: string): Promise<string>
}

/**
 * A fake of `versions.access` of Google Secret Manager over REST and of the service that exchanges a workload's token for
 * one of Google's. What it can't show: IAM, replication and regions, throttling, checksums, and credentials of other kinds,
 * whose addresses can't be changed: a service account's key, those of gcloud, the metadata server.
 */
export async function openFakeGoogleSecretManager(secrets: GoogleSecrets): Promise<FakeGoogle> {
  const accessToken = `ya29.${randomUUID()}`
  const goodSubject = `subject-${randomUUID()}`
  const server = await openProvider((call) => (call.path === '/v1/token' ? exchange(call) : access(call)))

  function exchange({ method, body }: Asked): Reply {
    const form = new URLSearchParams(body)
    const isExchange = form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:token-exchange'
    if (method !== 'POST' || !isExchange) return { status: 400, body: { error: 'unsupported_grant_type' } }
    if (form.get('subject_token') !== goodSubject) {
      return { status: 400, body: { error: 'invalid_grant', error_description: `Bad token ${body}` } }
    }
    const token_type = 'Bearer'
    return { status: 200, body: { access_token: accessToken, token_type, expires_in: 3600 } }
  }

  function access({ method, path, headers }: Asked): Answer {
    if (headers.authorization !== `Bearer ${accessToken}`) {
      const message = 'Request had invalid authentication credentials.'
      return refused({ code: 401, status: 'UNAUTHENTICATED', message })
    }
    const name = /^\/v1\/(projects\/[^/]+\/secrets\/[^/]+\/versions\/[^/]+):access$/.exec(path)?.[1] ?? ''
    const secret = method === 'GET' && Object.hasOwn(secrets, name) ? secrets[name] : undefined
    if (secret === HELD) return HELD
    if (secret === undefined) {
      const message = `Secret [${name.replace(/\/versions.*/, '')}] not found or has no versions.`
      return refused({ code: 404, status: 'NOT_FOUND', message })
    }
    if (typeof secret !== 'string' && 'code' in secret) return refused(secret)
    const data = Buffer.from(secret).toString('base64')
    return { status: 200, body: { name, payload: data === '' ? {} : { data } } }
  }

  return {
    ...server,
    async writeCredentials(folder, subjectToken = goodSubject) {
      const file = join(folder, 'subject-token')
      await writeFile(file, subjectToken)
      const path = join(folder, 'credentials.json')
      const credentials = {
        type: 'external_account',
        audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/p',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        token_url: `${server.url}/v1/token`,
        credential_source: { file },
      }
      await writeFile(path, JSON.stringify(credentials))
      return path
    },
  }
}

const refused = (error: Refusal): Reply => ({ status: error.code, body: { error } })
