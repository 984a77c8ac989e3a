import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, describe, test } from 'node:test'
import {
  Admin,
  AclOperations,
  AclPermissionTypes,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka'
import { HeadwaterError } from '../../src/errors.ts'
import kafka from '../../src/queues/kafka/index.ts'
import { makeCertificates } from '../support/certificates.ts'
import { numbered, text } from '../support/messages.ts'
import { queueContext } from '../support/queue-context.ts'
import { type KafkaOptions, kafkaServer } from '../support/servers/kafka.ts'
import { temporaryFolder } from '../support/temp.ts'

const TOPIC = 'raw-reviews'
const LIMIT_MS = 10_000

const folder = await temporaryFolder()
const certificates = await makeCertificates(folder.path)
const keystore = join(folder.path, 'keystore.pem')
const { server: own } = certificates
await writeFile(keystore, `${await readFile(own.key, 'utf8')}${await readFile(own.cert, 'utf8')}`)

const server = await kafkaServer(guarded())
after(async () => {
  if (server.skip === false) await server[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})
const skip =
  server.skip !== false ? server.skip : !server.own && 'the broker is not ours, and has other logins'
const ports = (server.skip === false && server.own?.ports) || {}
const at = (listener: string): string[] => [`127.0.0.1:${ports[listener]}`]

describe('kafka queue, logging in', { skip }, () => {
  const admin = { username: 'admin', password: 'admin-secret' }
  const scram = { username: 'scram', password: 'scram-secret' }
  const trusted = { ca: certificates.ca }

  for (const [title, settings] of Object.entries({
    'without encryption or a login': { brokers: at('PLAIN') },
    'with PLAIN': { brokers: at('SASL'), sasl: { mechanism: 'PLAIN', ...admin } },
    'with SCRAM-SHA-256': { brokers: at('SASL'), sasl: { mechanism: 'SCRAM-SHA-256', ...scram } },
    'with SCRAM-SHA-512': { brokers: at('SASL'), sasl: { mechanism: 'SCRAM-SHA-512', ...scram } },
    'with a token': { brokers: at('SASL'), sasl: { mechanism: 'OAUTHBEARER', token: tokenOf('admin') } },
    'over TLS': { brokers: at('TLS'), tls: trusted },
    'over TLS with our own certificate': { brokers: at('MTLS'), tls: { ...trusted, ...certificates.client } },
    'over TLS with SCRAM-SHA-512': {
      brokers: at('SASLTLS'),
      tls: trusted,
      sasl: { mechanism: 'SCRAM-SHA-512', ...scram },
    },
  })) {
    test(`works ${title}`, { timeout: 30_000 }, () => works(settings))
  }

  test('works with tokens that are issued to a client', { timeout: 30_000 }, async () => {
    const asked: string[] = []
    const issuer = createServer((request, response) => {
      void buffer(request).then((body) => {
        asked.push(`${request.headers.authorization} ${body.toString()}`)
        response.end(JSON.stringify({ access_token: tokenOf('admin'), token_type: 'bearer' }))
      })
    }).listen(0, '127.0.0.1')
    await once(issuer, 'listening')
    const { port } = issuer.address() as AddressInfo
    const issued = {
      tokenUrl: `http://127.0.0.1:${port}/token`,
      clientId: 'me',
      clientSecret: 'it',
      scope: 'all',
    }
    await works({ brokers: at('SASL'), sasl: { mechanism: 'OAUTHBEARER', ...issued } })
    issuer.close()
    const expected = `Basic ${Buffer.from('me:it').toString('base64')} grant_type=client_credentials&scope=all`
    assert.deepEqual(new Set(asked), new Set([expected]))
  })

  test('works with no more permissions than its page lists', { timeout: 30_000 }, async () => {
    await provision()
    const client = new Admin({ clientId: 'test', bootstrapBrokers: at('PLAIN') })
    const { READ, WRITE, DESCRIBE } = AclOperations
    const may = (
      resourceType: 2 | 3,
      resourceName: string,
      resourcePatternType: 3 | 4,
      operations: readonly (3 | 4 | 8)[],
    ) =>
      operations.map((operation) => ({
        resourceType,
        resourceName,
        resourcePatternType,
        operation,
        principal: 'User:limited',
        host: '*',
        permissionType: AclPermissionTypes.ALLOW,
      }))
    await client.createAcls({
      creations: [
        ...may(ResourceTypes.TOPIC, TOPIC, ResourcePatternTypes.LITERAL, [READ, WRITE, DESCRIBE]),
        ...may(ResourceTypes.GROUP, 'headwater.', ResourcePatternTypes.PREFIXED, [READ, DESCRIBE]),
      ],
    })
    await client.close()
    const limited = { mechanism: 'PLAIN', username: 'limited', password: 'limited-secret' }
    await works({ brokers: at('SASL'), sasl: limited })
  })

  const refusals: Record<string, readonly [settings: object, code: string, says: RegExp]> = {
    'a wrong address': [{ brokers: ['127.0.0.1:9'] }, 'QUEUE_UNAVAILABLE', /queue\.brokers 127\.0\.0\.1:9/],
    'a name that is none': [
      { brokers: ['kafka.invalid:9092'] },
      'QUEUE_UNAVAILABLE',
      /queue\.brokers kafka\.invalid:9092/,
    ],
    'a wrong password': [
      { brokers: at('SASL'), sasl: { mechanism: 'PLAIN', username: 'admin', password: 'wrong' } },
      'QUEUE_REFUSED',
      /queue\.sasl/,
    ],
    'a wrong password of SCRAM': [
      { brokers: at('SASL'), sasl: { mechanism: 'SCRAM-SHA-256', username: 'scram', password: 'wrong' } },
      'QUEUE_REFUSED',
      /queue\.sasl/,
    ],
    'a token that is none': [
      { brokers: at('SASL'), sasl: { mechanism: 'OAUTHBEARER', token: 'none' } },
      'QUEUE_REFUSED',
      /queue\.sasl/,
    ],
    'a mechanism that is not offered': [
      { brokers: at('SASLTLS'), tls: trusted, sasl: { mechanism: 'PLAIN', ...admin } },
      'QUEUE_REFUSED',
      /queue\.sasl\.mechanism/,
    ],
    'no login where one is wanted': [{ brokers: at('SASL') }, 'QUEUE_UNAVAILABLE', /queue\.sasl/],
    'a login where none is wanted': [
      { brokers: at('PLAIN'), sasl: { mechanism: 'PLAIN', ...admin } },
      'QUEUE_REFUSED',
      /queue\.sasl/,
    ],
    'no encryption where it is wanted': [{ brokers: at('TLS') }, 'QUEUE_REFUSED', /queue\.tls/],
    'encryption where there is none': [
      { brokers: at('PLAIN'), tls: trusted },
      'QUEUE_UNAVAILABLE',
      /queue\.tls/,
    ],
    'an authority that is not trusted': [{ brokers: at('TLS'), tls: true }, 'QUEUE_REFUSED', /queue\.tls/],
    'no certificate where one is wanted': [
      { brokers: at('MTLS'), tls: trusted },
      'QUEUE_UNAVAILABLE',
      /queue\.tls/,
    ],
    'a user without permission': [
      { brokers: at('SASL'), sasl: { mechanism: 'PLAIN', username: 'nobody', password: 'nobody-secret' } },
      'QUEUE_REFUSED',
      /permission for the topic/,
    ],
  }
  for (const [title, [settings, code, says]] of Object.entries(refusals)) {
    test(`says soon what is wrong with ${title}`, { timeout: 30_000 }, async (t) => {
      await provision()
      const startedAt = performance.now()
      const error = await open(settings).then(
        () => assert.fail('it was opened'),
        (reason: unknown) => reason,
      )
      assert.ok(error instanceof HeadwaterError, String(error))
      t.diagnostic(error.message)
      assert.match(error.message, says)
      assert.equal(error.code, code)
      assert.doesNotMatch(error.message, /wrong$|secret/)
      assert.ok(performance.now() - startedAt < LIMIT_MS)
    })
  }
})

const provisioned = Promise.withResolvers<void>()
let isProvisioning = false

/** Once, where nobody has to log in. */
async function provision(): Promise<void> {
  if (!isProvisioning) {
    isProvisioning = true
    const config = kafka.config.parse({ brokers: at('PLAIN'), replication: 1, partitions: 2 })
    const provisioning = kafka.provision?.(config, queueContext(folder.path, TOPIC))
    provisioning?.then(provisioned.resolve, provisioned.reject)
  }
  await provisioned.promise
}

function open(settings: object) {
  return kafka.open(
    kafka.config.parse({ sessionTimeoutMs: '6s', ...settings }),
    queueContext(folder.path, TOPIC),
  )
}

/** What is published is read. */
async function works(settings: object): Promise<void> {
  await provision()
  await using queue = await open(settings)
  await queue.publish(numbered(0, 1))
  for await (const batch of queue.read({ group: 'storage', signal: AbortSignal.timeout(LIMIT_MS) })) {
    assert.deepEqual(batch.items.map(text), ['0'])
    await batch.ack()
    break
  }
}

/** What the broker takes for a token without a signature (RFC 7515, appendix A.5). */
function tokenOf(subject: string): string {
  const now = Math.floor(Date.now() / 1_000)
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now - 60, exp: now + 3_600 })}.`
}

/** A broker that wants to know who comes, but at one listener. */
function guarded(): KafkaOptions {
  const login = 'org.apache.kafka.common.security'
  const scram = `${login}.scram.ScramLoginModule required;`
  const plain = `${login}.plain.PlainLoginModule required user_admin="admin-secret" user_nobody="nobody-secret" user_limited="limited-secret";`
  const bearer = `${login}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`
  const trust = { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': certificates.ca }
  return {
    listeners: { PLAIN: 'PLAINTEXT', SASL: 'SASL_PLAINTEXT', SASLTLS: 'SASL_SSL', TLS: 'SSL', MTLS: 'SSL' },
    scram: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((each) => `${each}=[name=scram,password=scram-secret]`),
    properties: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS;User:admin;User:scram;User:CN=headwater',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': keystore,
      ...trust,
      'listener.name.mtls.ssl.client.auth': 'required',
      'listener.name.sasl.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      'listener.name.sasl.plain.sasl.jaas.config': plain,
      'listener.name.sasl.scram-sha-256.sasl.jaas.config': scram,
      'listener.name.sasl.scram-sha-512.sasl.jaas.config': scram,
      'listener.name.sasl.oauthbearer.sasl.jaas.config': bearer,
      'listener.name.sasltls.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
      'listener.name.sasltls.scram-sha-512.sasl.jaas.config': scram,
    },
  }
}
