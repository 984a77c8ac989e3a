import { randomUUID } from 'node:crypto'
import { type Answer, type Asked, openProvider, type Provider, type Reply } from './provider.ts'

export interface Vault extends AsyncDisposable {
  readonly url: string
  /** May do everything. */
  readonly rootToken: string
}

export interface FakeVault extends Vault, Pick<Provider, 'asked'> {
  /** What it answers from now on instead of what it would. */
  answerWith(reply: ((call: Asked) => Answer) | undefined): void
}

interface Engine {
  readonly type: string
  readonly options: { readonly version?: string } | null
  /** By their path below the engine; the text of a JSON object, or undefined where it was deleted. */
  readonly secrets: Map<string, string | undefined>
}

/**
 * A fake of the part of Vault's HTTP API that reads and writes key-value secrets, with policies that are lists of paths.
 * Its answers were taken from a Vault 1.21.4. What it can't show: sealing, leases, versions, namespaces, stand-by and other
 * ways to log in. The same tests run on a real Vault where HEADWATER_TEST_VAULT_ADDR and HEADWATER_TEST_VAULT_TOKEN name
 * one.
 */
export async function openFakeVault(): Promise<FakeVault> {
  const rootToken = `hvs.${randomUUID()}`
  const engines = new Map<string, Engine>([['sys/', { type: 'system', options: null, secrets: new Map() }]])
  const policies = new Map<string, readonly string[]>()
  const tokens = new Map<string, readonly string[]>([[rootToken, ['*']]])
  let instead: ((call: Asked) => Answer) | undefined
  const server = await openProvider((call) => (instead ? instead(call) : respond(call)))

  function respond(call: Asked): Reply {
    const paths = tokens.get(String(call.headers['x-vault-token']))
    if (!paths) return refused(403, '2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n')
    const path = decodeURIComponent(call.path.slice('/v1/'.length))
    const asked = /^sys\/internal\/ui\/mounts\/(.*)$/.exec(path)?.[1]
    if (asked !== undefined) return describe(asked, paths)
    if (!allows(paths, path)) return refused(403, '1 error occurred:\n\t* permission denied\n\n')
    return call.method === 'GET' ? read(path) : write(call.method, path, call.body)
  }

  function describe(asked: string, paths: readonly string[]): Reply {
    const [path, engine] = engineOf(asked) ?? []
    const isVisible = path !== undefined && paths.some((one) => one === '*' || one.startsWith(path))
    if (isVisible)
      return { status: 200, body: { data: { path, type: engine?.type, options: engine?.options } } }
    const hint = `please ensure client's policies grant access to path "${asked}/"`
    return refused(403, `preflight capability check returned 403, ${hint}`)
  }

  function read(path: string): Reply {
    const [mount = '', engine] = engineOf(path) ?? []
    const isSecond = engine?.options?.version === '2'
    const name = path.slice(mount.length).replace(isSecond ? /^data\// : '', '')
    if (!engine?.secrets.has(name)) return refused(404)
    const members = engine.secrets.get(name)
    const headers = { 'content-type': 'application/json' }
    if (!isSecond) return { status: 200, headers, body: `{"lease_duration":2764800,"data":${members}}` }
    const status = members === undefined ? 404 : 200
    return { status, headers, body: `{"data":{"data":${members ?? null},"metadata":{"version":1}}}` }
  }

  function write(method: string, path: string, body: string): Reply {
    const [, kind, name = ''] =
      /^(sys\/mounts|sys\/policies\/acl|auth\/token\/create)\/?(.*)$/.exec(path) ?? []
    if (kind === 'sys/mounts') {
      const { type, options } = JSON.parse(body) as Omit<Engine, 'secrets'>
      engines.set(`${name}/`, { type, options, secrets: new Map() })
    } else if (kind === 'sys/policies/acl') {
      const { policy } = JSON.parse(body) as { policy: string }
      policies.set(name, pathsOf(policy))
    } else if (kind === 'auth/token/create') {
      const { policies: named } = JSON.parse(body) as { policies: readonly string[] }
      const token = `hvs.${randomUUID()}`
      tokens.set(
        token,
        named.flatMap((one) => policies.get(one) ?? []),
      )
      return { status: 200, body: { auth: { client_token: token } } }
    } else keep(method, path, body)
    return { status: 204 }
  }

  function keep(method: string, path: string, body: string): void {
    const [mount = '', engine] = engineOf(path) ?? []
    const isSecond = engine?.options?.version === '2'
    const name = path.slice(mount.length).replace(isSecond ? /^data\// : '', '')
    // {"data":{…}} in version 2, {…} in version 1: the numbers as they were sent.
    const members = isSecond ? /^\s*\{\s*"data"\s*:(.*)\}\s*$/s.exec(body)?.[1] : body
    engine?.secrets.set(name, method === 'DELETE' ? undefined : members)
  }

  function engineOf(path: string) {
    return [...engines].find(([mount]) => `${path}/`.startsWith(mount))
  }

  return {
    url: server.url,
    asked: server.asked,
    rootToken,
    answerWith: (reply) => {
      instead = reply
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const refused = (status: number, ...errors: readonly string[]): Reply => ({ status, body: { errors } })

const allows = (paths: readonly string[], path: string): boolean =>
  paths.some((one) => one === path || (one.endsWith('*') && path.startsWith(one.slice(0, -1))))

/** The paths that a policy lets read: `path "secret/data/app" { capabilities = ["read"] }`. */
function pathsOf(policy: string): readonly string[] {
  const rules = policy.matchAll(/path\s+"([^"]+)"\s*\{\s*capabilities\s*=\s*\[([^\]]*)\]\s*\}/g)
  return [...rules].flatMap(([, path = '', capabilities = '']) => (capabilities.includes('read') ? path : []))
}
