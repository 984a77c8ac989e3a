import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { promisify } from 'node:util'
import { HeadwaterError } from '../../../../src/errors.ts'
import mongodb from '../../../../src/stores/mongodb/index.ts'
import { debianProgram } from '../../../support/debian.ts'
import { silent } from '../../../support/queue-context.ts'
import { provisionedEmpty } from '../../../support/servers/mongodb-empty.ts'
import { type ScriptedMongodb, scriptedMongodb } from '../../../support/servers/mongodb-script.ts'
import { temporaryFolder } from '../../../support/temp.ts'

const context = { logger: silent, signal: new AbortController().signal, dataDir: '.' }
const openssl = await debianProgram('openssl', 'openssl')

describe('mongodb store, encrypted', { skip: openssl.skip }, async () => {
  const folder = await temporaryFolder()
  const file = (name: string): string => join(folder.path, name)
  let server: ScriptedMongodb

  async function sign(name: string, ...names: readonly string[]): Promise<void> {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const into = ['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)]
    const signer = name === 'ca' ? [] : ['-CA', file('ca.pem'), '-CAkey', file('ca.key')]
    const args = ['req', '-x509', ...key, ...signer, '-subj', `/CN=${name}`, ...names, ...into]
    await promisify(execFile)(openssl.path, args)
  }

  before(async () => {
    await sign('ca')
    await sign('server', '-addext', 'subjectAltName=IP:127.0.0.1')
    await sign('client')
    server = await scriptedMongodb(provisionedEmpty)
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  /** Ends the encryption in front of the database. */
  async function encrypted(options: TlsOptions = {}) {
    const pair = { key: await readFile(file('server.key')), cert: await readFile(file('server.pem')) }
    const listener = createTlsServer({ ...pair, ...options }, (socket) => {
      const inner = connect({ host: '127.0.0.1', port: Number(server.address.split(':')[1]) })
      for (const one of [socket, inner]) one.on('error', () => {}).on('close', () => inner.destroy())
      socket.pipe(inner).pipe(socket)
    }).on('tlsClientError', () => {})
    return listening(listener)
  }

  async function listening(listener: ReturnType<typeof createServer>) {
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    return {
      url: `mongodb://127.0.0.1:${(listener.address() as AddressInfo).port}/?directConnection=true`,
      [Symbol.dispose]: () => void listener.close(),
    }
  }

  const open = (url: string, tls: object) =>
    mongodb.open(mongodb.config.parse({ url, tls, timeoutMs: '3s' }), context)

  const isObjection = (error: unknown): boolean =>
    error instanceof HeadwaterError &&
    error.code === 'STORE_REFUSED_ACCESS' &&
    /^store\.tls: 127\.0\.0\.1:\d+: ./.test(error.message)

  test('trusts the authority that it is told', async () => {
    using wire = await encrypted()
    await using store = await open(wire.url, { ca: file('ca.pem') })
    assert.equal((await store.get(['a'])).size, 0)
  })

  test('shows its own certificate', async () => {
    using wire = await encrypted({
      ca: await readFile(file('ca.pem')),
      requestCert: true,
      rejectUnauthorized: true,
    })
    await using store = await open(wire.url, {
      ca: file('ca.pem'),
      cert: file('client.pem'),
      key: file('client.key'),
    })
    assert.equal((await store.get(['a'])).size, 0)
  })

  test('says that a certificate is not trusted', async () => {
    using wire = await encrypted()
    await assert.rejects(open(wire.url, {}), isObjection)
  })

  test('says that nobody speaks TLS there', async () => {
    const plain = createServer((socket) => {
      socket.on('error', () => {}).on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    })
    using wire = await listening(plain)
    await assert.rejects(open(wire.url, { ca: file('ca.pem') }), isObjection)
  })

  test('names a file that it can not read', async () => {
    await assert.rejects(
      open(server.url, { ca: file('nowhere.pem') }),
      (error) =>
        error instanceof HeadwaterError &&
        error.code === 'FILE_UNREADABLE' &&
        error.message.includes('store.tls.ca'),
    )
  })
})
