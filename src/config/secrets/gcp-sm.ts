import { codeOf, get } from './http.ts'
import { memberAt, parseJson } from './json.ts'
import { type Answer, type SecretManager, textOf } from './secret-manager.ts'

type Library = typeof import('google-auth-library')
type Auth = InstanceType<Library['GoogleAuth']>

const NAME = /^(projects\/[\w.:-]+\/secrets\/[\w-]{1,255})(?:\/versions\/([\w-]+))?$/

export interface Options {
  readonly load?: () => Promise<Library>
  readonly endpoint?: string
}

/**
 * Google Secret Manager. Credentials are Google's application default credentials: the file that
 * GOOGLE_APPLICATION_CREDENTIALS names, those of gcloud, or the machine's service account.
 */
export function createManager({
  load = () => import('google-auth-library'),
  endpoint = 'https://secretmanager.googleapis.com',
}: Options = {}): SecretManager {
  return {
    form: 'gcp-sm:projects/PROJECT/secrets/SECRET#KEY',
    needsKey: false,
    library: 'google-auth-library',
    fullName(written) {
      const [, secret, version = 'latest'] = NAME.exec(written) ?? []
      return secret === undefined ? undefined : `${secret}/versions/${version}`
    },
    async open() {
      const { GoogleAuth } = await load()
      const auth = new GoogleAuth({
        scopes: 'https://www.googleapis.com/auth/cloud-platform',
        // Else the library looks for one, with gcloud and in the network. Each secret's name has its own.
        projectId: 'in-the-name',
      })
      return async (name, signal) => {
        const headers = await authorize(auth)
        if ('problem' in headers) return headers
        const reply = await get(`${endpoint}/v1/${name}:access`, headers.value, signal)
        if ('problem' in reply) return reply
        const { status, body } = reply.value
        return status === 200 ? payloadOf(body) : { problem: refusalOf(status, body) }
      }
    },
  }
}

export default createManager()

async function authorize(auth: Auth): Promise<Answer<Readonly<Record<string, string>>>> {
  try {
    return { value: Object.fromEntries(await auth.getRequestHeaders()) }
  } catch (error) {
    return { problem: credentialsReason(error) }
  }
}

/** By codes alone: a message may hold a part of the credentials. */
function credentialsReason(error: unknown): string {
  if (error instanceof Error && error.message.startsWith('Could not load the default credentials')) {
    return 'no Google credentials: set GOOGLE_APPLICATION_CREDENTIALS, or run with a service account'
  }
  const oauth = memberAt(error, 'response', 'data', 'error')
  const code = typeof oauth === 'string' && /^[a-z_]+$/.test(oauth) ? oauth : codeOf(error)
  return `the Google credentials give no access token (${code ?? 'they can not be used'})`
}

/** A secret of no bytes has no data. */
function payloadOf(body: string): Answer {
  const reply = parseJson(body)
  const data = memberAt(reply, 'payload', 'data') ?? ''
  if (memberAt(reply, 'name') === undefined || typeof data !== 'string') {
    return { problem: 'the answer is none of Secret Manager' }
  }
  return textOf(Buffer.from(data, 'base64'))
}

/** What Google says of a secret that it does not give. It names the secret, the permission and the account, if anything. */
function refusalOf(status: number, body: string): string {
  const message = memberAt(parseJson(body), 'error', 'message')
  const said = typeof message === 'string' ? ` (${message})` : ''
  if (status === 401) return `the Google credentials are not accepted${said}`
  if (status === 403)
    return `it may not be read; its reader needs the role roles/secretmanager.secretAccessor${said}`
  if (status === 404) return `there is none of this name and version${said}`
  return `the request failed with status ${status}${said}`
}
