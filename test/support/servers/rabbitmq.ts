import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { debianProgram } from '../debian.ts'
import { temporaryFolder } from '../temp.ts'
import { freePorts, isListening, type ServerProcess, startServer, type Unavailable } from './process.ts'

const execute = promisify(execFile)

export interface RabbitmqServer extends AsyncDisposable {
  readonly skip: false
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** The virtual host, as it stands in an address. */
  readonly vhost: string
  /** What only a broker that was started here has. */
  readonly own?: OwnServer
}

export interface OwnServer extends ServerProcess {
  /** Where it wants certificates, of both sides; started with `tls` only. */
  readonly tls?: { readonly port: number } & Certificates
  /**
   * Resolves once the broker has written down that it has these quorum queues, about a second after it has made them. One that
   * is killed before finds only remains of them.
   */
  settled(queues: readonly string[]): Promise<void>
  /** Runs `rabbitmqctl`. */
  control(...args: readonly string[]): Promise<void>
}

export interface RabbitmqOptions {
  /** Whether the tests end it: then it is never somebody else's. */
  readonly mayKill?: boolean
  readonly tls?: boolean
  /** More lines of `rabbitmq.conf`. */
  readonly settings?: readonly string[]
  /** More users, all with the password `secret`: what each may configure, write and read. */
  readonly users?: Readonly<
    Record<string, { readonly configure: string; readonly write: string; readonly read: string }>
  >
}

const LOOK_MS = 50
const BIN = '/usr/lib/rabbitmq/bin'

/** Makes sure that the broker's package is installed, where that is allowed. */
export async function fetchRabbitmq(): Promise<void> {
  await findRabbitmq()
}

function findRabbitmq() {
  // Debian's wrapper in /usr/sbin changes the user; the script itself runs as whoever starts it.
  const PATH = `${BIN}:${process.env['PATH'] ?? ''}`
  return debianProgram('rabbitmq-server', 'rabbitmq-server', { ...process.env, PATH })
}

/**
 * A RabbitMQ: that of `HEADWATER_TEST_RABBITMQ`, an `amqp://` address, or one of Debian's package that is started here, with a
 * folder and ports of its own.
 */
export async function rabbitmqServer(options: RabbitmqOptions = {}): Promise<Unavailable | RabbitmqServer> {
  const given = process.env['HEADWATER_TEST_RABBITMQ']
  const needsOwn = options.mayKill || options.tls || options.users || options.settings
  if (given !== undefined && !needsOwn) return givenServer(new URL(given))
  const { path, skip } = await findRabbitmq()
  return skip === false ? startRabbitmq(path, options) : { skip }
}

function givenServer({ hostname: host, port, username, password, pathname }: URL): RabbitmqServer {
  const nothing = async (): Promise<void> => {}
  const user = { user: username || 'guest', password: password || 'guest' }
  return {
    skip: false,
    host,
    port: Number(port || 5672),
    ...user,
    vhost: pathname.slice(1),
    [Symbol.asyncDispose]: nothing,
  }
}

async function startRabbitmq(program: string, options: RabbitmqOptions): Promise<RabbitmqServer> {
  const disposal = new AsyncDisposableStack()
  try {
    const folder = disposal.use(await temporaryFolder()).path
    const [port = 0, distPort = 0, epmdPort = 0, tlsPort = 0] = await freePorts(4)
    const certificates = options.tls ? await makeCertificates(folder) : undefined
    const env = await configure(folder, options, { port, distPort, epmdPort, tlsPort, certificates })
    // Started beside the broker and not by it, since what the broker starts outlives it.
    const epmd = await startServer({
      command: 'epmd',
      args: ['-port', String(epmdPort), '-address', '127.0.0.1'],
      log: join(folder, 'epmd.log'),
      ready: () => isListening(epmdPort),
    })
    disposal.defer(() => epmd.kill())
    const server = await startServer({
      command: program,
      args: [],
      env,
      log: join(folder, 'server.log'),
      ready: () => isListening(options.tls ? tlsPort : port),
    })
    disposal.defer(() => server.kill())
    return {
      skip: false,
      host: '127.0.0.1',
      port,
      user: 'guest',
      password: 'guest',
      vhost: '',
      own: {
        ...(certificates && { tls: { port: tlsPort, ...certificates } }),
        ...server,
        async settled(queues) {
          const { RABBITMQ_MNESIA_BASE: base, RABBITMQ_NODENAME: node } = env
          const directory = join(base, node, 'quorum', node, 'names.dets')
          for (let written = ''; !queues.every((queue) => written.includes(queue)); await sleep(LOOK_MS))
            written = await readFile(directory, 'latin1').catch(() => '')
        },
        async control(...args) {
          await execute(join(dirname(program), 'rabbitmqctl'), args, { env: { ...process.env, ...env } })
        },
      },
      [Symbol.asyncDispose]: () => disposal.disposeAsync(),
    }
  } catch (error) {
    await disposal.disposeAsync()
    throw error
  }
}

interface Places {
  readonly port: number
  readonly distPort: number
  readonly epmdPort: number
  readonly tlsPort: number
  readonly certificates: Certificates | undefined
}

/** Writes all that the broker reads, and returns the environment that leads it there. */
async function configure(folder: string, { users = {}, settings = [] }: RabbitmqOptions, places: Places) {
  const { port, distPort, epmdPort, tlsPort, certificates } = places
  const at = (name: string): string => join(folder, name)
  for (const name of ['mnesia', 'log', 'home']) await mkdir(at(name))
  const everything = { configure: '.*', write: '.*', read: '.*' }
  const all = Object.entries({ guest: everything, headwater: everything, ...users })
  const definitions = {
    vhosts: [{ name: '/' }],
    users: all.map(([name]) => ({
      name,
      password_hash: hashOf(name === 'guest' ? 'guest' : 'secret'),
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags: name === 'guest' ? 'administrator' : '',
    })),
    permissions: all.map(([user, permissions]) => ({ user, vhost: '/', ...permissions })),
  }
  await writeFile(at('definitions.json'), JSON.stringify(definitions))
  const tls = certificates && [
    `listeners.ssl.default = 127.0.0.1:${tlsPort}`,
    `ssl_options.cacertfile = ${certificates.ca}`,
    `ssl_options.certfile = ${certificates.server.cert}`,
    `ssl_options.keyfile = ${certificates.server.key}`,
    'ssl_options.verify = verify_peer',
    'ssl_options.fail_if_no_peer_cert = true',
    'ssl_cert_login_from = common_name',
    'auth_mechanisms.1 = PLAIN',
    'auth_mechanisms.2 = EXTERNAL',
  ]
  const lines = [
    `listeners.tcp.default = 127.0.0.1:${port}`,
    `load_definitions = ${at('definitions.json')}`,
    'vm_memory_high_watermark.absolute = 1GB',
    'disk_free_limit.absolute = 50MB',
    'log.file.level = warning',
    'log.console = false',
    ...(tls ?? []),
    ...settings,
  ]
  await writeFile(at('rabbitmq.conf'), lines.map((line) => `${line}\n`).join(''))
  await writeFile(at('plugins'), certificates ? '[rabbitmq_auth_mechanism_ssl].\n' : '[].\n')
  return {
    HOME: at('home'),
    // The data folder is named after it.
    RABBITMQ_NODENAME: `headwater${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distPort),
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_MNESIA_BASE: at('mnesia'),
    RABBITMQ_LOG_BASE: at('log'),
    RABBITMQ_CONFIG_FILE: at('rabbitmq'),
    RABBITMQ_CONFIG_FILES: '',
    RABBITMQ_ADVANCED_CONFIG_FILE: at('none'),
    RABBITMQ_ENABLED_PLUGINS_FILE: at('plugins'),
    RABBITMQ_PID_FILE: at('pid'),
    RABBITMQ_CONF_ENV_FILE: at('none'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 2:2 -kernel inet_dist_use_interface {127,0,0,1}',
  }
}

function hashOf(password: string): string {
  const salt = randomBytes(4)
  const digest = createHash('sha256').update(salt).update(password).digest()
  return Buffer.concat([salt, digest]).toString('base64')
}

interface Certificates {
  readonly ca: string
  readonly server: Pair
  /** Its common name is the user `headwater`. */
  readonly client: Pair
}

interface Pair {
  readonly cert: string
  readonly key: string
}

/** An authority, and what it has signed for a server at localhost and for the user `headwater`. */
async function makeCertificates(folder: string): Promise<Certificates> {
  const openssl = (...args: string[]) => execute('openssl', args, { cwd: folder })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  await openssl('req', '-x509', ...newKey, '-subj', '/CN=test', '-keyout', 'ca.key', '-out', 'ca.pem')
  async function sign(name: string, commonName: string): Promise<Pair> {
    const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key']
    const into = ['-keyout', `${name}.key`, '-out', `${name}.pem`]
    await openssl('req', '-x509', ...newKey, ...signer, '-subj', `/CN=${commonName}`, ...names, ...into)
    return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) }
  }
  return {
    ca: join(folder, 'ca.pem'),
    server: await sign('server', 'localhost'),
    client: await sign('client', 'headwater'),
  }
}
