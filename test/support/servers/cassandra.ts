import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from '../temp.ts'
import { jarsOf, missingProgram } from './programs.ts'
import { freePorts, type ServerProcess, startServer, type Unavailable } from './process.ts'

const execute = promisify(execFile)
const VERSION = '5.0.9'

export interface CassandraServer extends AsyncDisposable {
  readonly skip: false
  readonly contactPoint: string
  readonly dataCenter: string
  /** A superuser. */
  readonly username: string
  readonly password: string
  /** What only a node that was started here has. */
  readonly own?: OwnNode
}

export interface OwnNode extends ServerProcess {
  readonly port: number
  /** PEM files: the authority of the node's certificate, which is for localhost. */
  readonly ca: string
}

export interface CassandraOptions {
  /** When a write is on disk: before it is answered, or within ten seconds. */
  readonly commitLog: 'group' | 'periodic'
  /** Whether the tests end it: then it is never somebody else's. */
  readonly mayKill?: boolean
  /** Whether its code is compiled for speed, which keeps a core busy for the first minute and pays off later. */
  readonly isMeasured?: boolean
}

/** Downloads what a node needs, where Maven and Java are there. */
export async function fetchCassandra(): Promise<void> {
  if ((await missingProgram('java', 'mvn', 'openssl')) === undefined) await jars()
}

/**
 * A Cassandra with users and permissions: that of `HEADWATER_TEST_CASSANDRA`, written
 * `cassandra://user:password@host:port/data-center`, or a single node that is started here, with a folder and ports of its own.
 */
export async function cassandraServer(options: CassandraOptions): Promise<Unavailable | CassandraServer> {
  const given = process.env['HEADWATER_TEST_CASSANDRA']
  if (given !== undefined && !options.mayKill) return givenServer(new URL(given))
  return (await missingProgram('java', 'mvn', 'openssl')) ?? startCassandra(options)
}

function givenServer({ host, username, password, pathname }: URL): CassandraServer {
  return {
    skip: false,
    contactPoint: host,
    dataCenter: pathname.slice(1) || 'datacenter1',
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    async [Symbol.asyncDispose]() {},
  }
}

async function startCassandra({ commitLog, ...options }: CassandraOptions): Promise<CassandraServer> {
  const { classPath } = await jars()
  const disposal = new AsyncDisposableStack()
  try {
    const folder = disposal.use(await temporaryFolder()).path
    const [port = 0, storagePort = 0] = await freePorts(2)
    const ca = await makeKeystore(folder)
    await configure(folder, commitLog, port, storagePort)
    let isFirst = true
    const server = await startServer({
      command: 'java',
      args: [...javaArguments(folder, classPath, options), 'org.apache.cassandra.service.CassandraDaemon'],
      cwd: folder,
      log: join(folder, 'server.log'),
      // Who may log in is made at the first start, behind all else.
      ready: (printed) =>
        printed.includes('Startup complete') &&
        (!isFirst || printed.includes('Created default superuser role')),
    })
    isFirst = false
    disposal.defer(() => server.kill())
    return {
      skip: false,
      contactPoint: `127.0.0.1:${port}`,
      dataCenter: 'datacenter1',
      username: 'cassandra',
      password: 'cassandra',
      own: {
        port,
        ca,
        ...server,
      },
      [Symbol.asyncDispose]: () => disposal.disposeAsync(),
    }
  } catch (error) {
    await disposal.disposeAsync()
    throw error
  }
}

async function configure(folder: string, commitLog: string, port: number, storagePort: number) {
  await mkdir(join(folder, 'triggers'))
  const sync = {
    group: ['commitlog_sync: group', 'commitlog_sync_group_window: 10ms'],
    periodic: ['commitlog_sync: periodic', 'commitlog_sync_period: 10000ms'],
  }[commitLog]
  const yaml = [
    'cluster_name: test',
    'num_tokens: 1',
    'partitioner: org.apache.cassandra.dht.Murmur3Partitioner',
    'endpoint_snitch: SimpleSnitch',
    'seed_provider:',
    '  - class_name: org.apache.cassandra.locator.SimpleSeedProvider',
    `    parameters: [{ seeds: "127.0.0.1:${storagePort}" }]`,
    'listen_address: 127.0.0.1',
    'rpc_address: 127.0.0.1',
    `storage_port: ${storagePort}`,
    `native_transport_port: ${port}`,
    'authenticator: PasswordAuthenticator',
    'authorizer: CassandraAuthorizer',
    'role_manager: CassandraRoleManager',
    'auto_snapshot: false',
    // Both encrypted and plain connections, at one port.
    'client_encryption_options:',
    '  enabled: true',
    '  optional: true',
    '  store_type: PKCS12',
    `  keystore: ${join(folder, 'keystore.p12')}`,
    '  keystore_password: password',
    ...(sync ?? []),
    `data_file_directories: [${join(folder, 'data')}]`,
    ...['commitlog', 'saved_caches', 'hints', 'cdc_raw'].map(
      (name) => `${name}_directory: ${join(folder, name)}`,
    ),
  ]
  await writeFile(join(folder, 'cassandra.yaml'), yaml.map((line) => `${line}\n`).join(''))
  const logback =
    '<configuration><appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder>' +
    '<pattern>%d{HH:mm:ss.SSS} %-5level %logger{0} %msg%n</pattern></encoder></appender>' +
    '<root level="INFO"><appender-ref ref="OUT"/></root></configuration>'
  await writeFile(join(folder, 'logback.xml'), logback)
}

/** What Cassandra's own conf/jvm17-server.options opens to it. */
const EXPORTS = [
  'java.base/jdk.internal.misc',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'java.base/java.lang.ref',
  'jdk.unsupported/sun.misc',
  'jdk.compiler/com.sun.tools.javac.file',
  'jdk.attach/sun.tools.attach',
]
const OPENS = [
  'java.base/java.lang.module',
  'java.base/jdk.internal.loader',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.reflect',
  'java.base/jdk.internal.math',
  'java.base/jdk.internal.module',
  'java.base/jdk.internal.util.jar',
  'java.base/sun.nio.ch',
  'java.base/java.io',
  'java.base/java.lang.reflect',
  'java.base/java.lang',
  'java.base/java.util',
  'jdk.management/com.sun.management.internal',
  'jdk.compiler/com.sun.tools.javac',
]

type JavaOptions = Pick<CassandraOptions, 'mayKill' | 'isMeasured'>

function javaArguments(folder: string, classpath: string, options: JavaOptions): string[] {
  const { mayKill = false, isMeasured = false } = options
  const jamm = classpath.split(delimiter).find((jar) => jar.includes('/jamm-')) ?? ''
  const properties = {
    'cassandra.config': `file://${join(folder, 'cassandra.yaml')}`,
    'cassandra.storagedir': folder,
    'cassandra.triggers_dir': join(folder, 'triggers'),
    'cassandra.superuser_setup_delay_ms': 0,
    'cassandra.ring_delay_ms': 100,
    'cassandra.skip_wait_for_gossip_to_settle': 0,
    // One that is never started again need not have its tables on disk before it says that they are made.
    'cassandra.unsafesystem': !mayKill,
    'cassandra-foreground': 'yes',
    'cassandra.jmx.local.port': 0,
    'logback.configurationFile': join(folder, 'logback.xml'),
    'jdk.attach.allowAttachSelf': true,
    'io.netty.tryReflectionSetAccessible': true,
    'java.net.preferIPv4Stack': true,
  }
  return [
    `-javaagent:${jamm}`,
    '-Xms512m',
    '-Xmx1g',
    '-XX:+UseSerialGC',
    ...(isMeasured ? [] : ['-XX:TieredStopAtLevel=1']),
    '-XX:+ExitOnOutOfMemoryError',
    '-XX:+PerfDisableSharedMem',
    '-Xlog:disable',
    '-Xlog:all=error:stderr',
    ...EXPORTS.flatMap((name) => ['--add-exports', `${name}=ALL-UNNAMED`]),
    ...OPENS.flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]),
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    '-cp',
    classpath,
  ]
}

/** An authority, and what it has signed for localhost, as Java reads it. Resolves to the authority's file. */
async function makeKeystore(folder: string): Promise<string> {
  const openssl = (...args: string[]) => execute('openssl', args, { cwd: folder })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  await openssl('req', '-x509', ...newKey, '-subj', '/CN=test', '-keyout', 'ca.key', '-out', 'ca.pem')
  const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key']
  const into = ['-keyout', 'node.key', '-out', 'node.pem']
  await openssl('req', '-x509', ...newKey, ...signer, '-subj', '/CN=localhost', ...names, ...into)
  const pair = ['-in', 'node.pem', '-inkey', 'node.key', '-out', 'keystore.p12']
  await openssl('pkcs12', '-export', ...pair, '-passout', 'pass:password')
  return join(folder, 'ca.pem')
}

/** Each jar is named, since jamm's is wanted as an agent too. */
const jars = () =>
  jarsOf(`cassandra-${VERSION}-jars`, [
    { group: 'org.apache.cassandra', artifact: 'cassandra-all', version: VERSION },
  ])
