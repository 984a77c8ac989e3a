import { createScanner } from '../../lib/json-scan.ts'
import { readText } from '../file.ts'
import { isMapping } from '../names.ts'
import { get } from './http.ts'
import { memberAt, parseJson } from './json.ts'
import type { Answer, Environment, ReadSecret, SecretManager } from './secret-manager.ts'

/**
 * The key-value engine, versions 1 and 2, of HashiCorp Vault: VAULT_ADDR says where, VAULT_TOKEN or the file
 * VAULT_TOKEN_FILE who asks, VAULT_NAMESPACE in which namespace.
 */
const vault: SecretManager = {
  form: 'vault:PATH#KEY',
  needsKey: true,
  fullName(written) {
    const path = written.replace(/^\/+|\/+$/g, '')
    return path.split('/').some((segment) => /^\.{0,2}$/.test(segment)) ? undefined : path
  },
  async open(env) {
    const server = await serverIn(env)
    return 'problem' in server ? async () => server : readerAt(server.value)
  },
}

export default vault

interface Server {
  /** Without a slash at its end. */
  readonly address: string
  readonly headers: Readonly<Record<string, string>>
  readonly token: string
}

async function serverIn(env: Environment): Promise<Answer<Server>> {
  const { VAULT_ADDR: address, VAULT_NAMESPACE: namespace = '' } = env
  if (address === undefined || !/^https?:$/.test(URL.parse(address)?.protocol ?? '')) {
    return { problem: 'VAULT_ADDR must be an address such as https://vault.example:8200' }
  }
  const token = await tokenIn(env)
  if ('problem' in token) return token
  const headers = {
    'x-vault-token': token.value,
    'x-vault-request': 'true',
    ...(namespace !== '' && { 'x-vault-namespace': namespace }),
  }
  return { value: { address: address.replace(/\/+$/, ''), headers, token: token.value } }
}

async function tokenIn({ VAULT_TOKEN: token, VAULT_TOKEN_FILE: file }: Environment): Promise<Answer> {
  const read = token || !file ? { value: token ?? '' } : await readText(file)
  if ('problem' in read) return { problem: `VAULT_TOKEN_FILE: ${read.problem}` }
  const value = read.value.trim()
  return value === '' ? { problem: 'there is no token: set VAULT_TOKEN or VAULT_TOKEN_FILE' } : { value }
}

function readerAt(server: Server): ReadSecret {
  async function ask(path: string, signal: AbortSignal): Promise<Answer> {
    const encoded = path.split('/').map(encodeURIComponent).join('/')
    const reply = await get(`${server.address}/v1/${encoded}`, server.headers, signal)
    if ('problem' in reply) return reply
    const { status, body } = reply.value
    return status === 200 ? { value: body } : { problem: refusalOf(status, body, server) }
  }

  return async (path, signal) => {
    const engine = await ask(`sys/internal/ui/mounts/${path}`, signal)
    if ('problem' in engine) return engine
    const place = placeIn(parseJson(engine.value), path)
    if ('problem' in place) return place
    const { address, pointer } = place.value
    const reply = await ask(address, signal)
    return 'problem' in reply ? reply : membersAt(pointer, reply.value)
  }
}

interface Place {
  readonly address: string
  /** Where the members are in the answer. */
  readonly pointer: string
}

/** Where the engine keeps what people call by this path. In version 2 they may write the `data/` of the API, or not. */
function placeIn(engine: unknown, path: string): Answer<Place> {
  const mount = memberAt(engine, 'data', 'path')
  const type = memberAt(engine, 'data', 'type')
  if (typeof mount !== 'string' || (type !== 'kv' && type !== 'generic')) {
    return {
      problem: `expected a key-value engine, found ${typeof type === 'string' ? type : 'another answer'}`,
    }
  }
  if (!path.startsWith(mount)) return { problem: `expected a secret in ${mount}, found the engine itself` }
  const version = memberAt(engine, 'data', 'options', 'version')
  if (version !== '2') return { value: { address: path, pointer: '/data' } }
  const name = path.slice(mount.length).replace(/^data\//, '')
  return { value: { address: `${mount}data/${name}`, pointer: '/data/data' } }
}

/** The members of a secret as Vault wrote them. */
function membersAt(pointer: string, body: string): Answer {
  const keys = pointer.slice(1).split('/')
  if (!isMapping(memberAt(parseJson(body), ...keys))) return { problem: 'the answer holds no secret' }
  const { spans } = createScanner([pointer])(body)
  return { value: body.slice(spans[0], spans[1]) }
}

/** What Vault says of a secret that it does not give. */
function refusalOf(status: number, body: string, { token }: Server): string {
  const errors = memberAt(parseJson(body), 'errors')
  const said = Array.isArray(errors) ? errors.join('; ').trim() : ''
  const shown = said === '' ? '' : ` (${said.replaceAll(token, '***')})`
  if (status === 403) return `the token is not accepted, or may not read this path${shown}`
  if (status === 404) return `there is none at this path${shown}`
  if (status === 307) return 'this server is on standby: VAULT_ADDR must be the address of the active one'
  return `the request failed with status ${status}${shown}`
}
