import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { errors, types } from 'cassandra-driver'
import { HeadwaterError, TransientError } from '../../../../src/errors.ts'
import { isUncertain, translate } from '../../../../src/stores/cassandra/translate.ts'

const place = 'keyspace headwater at 10.0.0.1'
const codes = types.responseErrorCodes

/** As the client makes them from what a node says. */
function responseError(code: number, message: string, more: object = {}): Error {
  return Object.assign(new errors.ResponseError(code, message), more)
}

const noHost = (...inner: Error[]): Error =>
  new errors.NoHostAvailableError(Object.fromEntries(inner.map((error, n) => [`10.0.0.${n}:9042`, error])))

const closed = Object.assign(responseError(0, 'Socket was closed'), { code: undefined, isSocketError: true })
const slow = new errors.OperationTimedOutError('The host 10.0.0.1:9042 did not reply before timeout 5000 ms')

const elsewhere = new errors.ArgumentError("localDataCenter was configured as 'x', but only found hosts in y")

const noQuorum = 'Cannot achieve consistency level LOCAL_ONE'
const permissionsUnread = responseError(
  codes.unauthorized,
  `Unable to perform authorization of permissions: Unable to perform authorization of super-user permission: ${noQuorum}`,
)
const passwordUnread = `Unable to perform authentication: ${noQuorum}`

const cases: readonly (readonly [string, Error, 'transient' | 'refused' | 'missing' | 'as it is'])[] = [
  ['a node that is silent', slow, 'transient'],
  ['a connection with too much under way', new errors.BusyConnectionError('10.0.0.1', 2048, 1), 'transient'],
  ['a socket that was closed', closed, 'transient'],
  ['too few copies up', responseError(codes.unavailableException, 'Cannot achieve consistency'), 'transient'],
  ['a node that is overloaded', responseError(codes.overloaded, 'Too many requests'), 'transient'],
  ['a node that starts', responseError(codes.isBootstrapping, 'bootstrapping'), 'transient'],
  ['a write that copies did not confirm in time', responseError(codes.writeTimeout, 'timeout'), 'transient'],
  ['a read that copies did not answer in time', responseError(codes.readTimeout, 'timeout'), 'transient'],
  ['copies that failed to read', responseError(codes.readFailure, 'failure'), 'transient'],
  ['copies that failed to write', responseError(codes.writeFailure, 'failure'), 'transient'],
  ['an unknown end of a transaction', responseError(0x1700, 'CAS operation result is unknown'), 'transient'],
  ['permissions that can not be read', permissionsUnread, 'transient'],
  ['a password that can not be checked', responseError(codes.badCredentials, passwordUnread), 'transient'],
  [
    'a password that no node can check',
    noHost(slow, new errors.AuthenticationError(passwordUnread)),
    'transient',
  ],
  ['no node left to ask', noHost(), 'transient'],
  ['no node that answers', noHost(slow, closed), 'transient'],
  ['a wrong password', new errors.AuthenticationError('Provided username x is incorrect'), 'refused'],
  ['a wrong password, at every node', noHost(new errors.AuthenticationError('incorrect')), 'refused'],
  ['a data centre that is not there', noHost(elsewhere), 'refused'],
  ['bad credentials', responseError(codes.badCredentials, 'incorrect'), 'refused'],
  ['a user without permission', responseError(codes.unauthorized, 'no MODIFY permission'), 'refused'],
  ['a table that is missing', responseError(codes.invalid, 'table reviews does not exist'), 'missing'],
  ['a keyspace that is missing', responseError(codes.invalid, "Keyspace 'x' does not exist"), 'missing'],
  ['a statement that is too large', responseError(codes.invalid, 'Request is too big'), 'as it is'],
  ['a statement that is wrong', responseError(codes.syntaxError, 'line 1:0'), 'as it is'],
  ['a parameter of another type', new TypeError('Not a valid BigInt value'), 'as it is'],
]

for (const [what, error, expected] of cases) {
  test(`${what}: ${expected}`, () => {
    const translated = translate(error, place)
    if (expected === 'as it is') return assert.equal(translated, error)
    assert.ok(translated instanceof HeadwaterError)
    assert.equal(translated instanceof TransientError, expected === 'transient')
    const code = {
      transient: 'STORE_UNAVAILABLE',
      refused: 'STORE_REFUSED_ACCESS',
      missing: 'TABLES_MISSING',
    }
    assert.equal(translated.code, code[expected])
    assert.match(translated.message, /^store\.[a-z_]+/)
    assert.ok(translated.message.includes(place), translated.message)
  })
}

test('an address where nobody listens is trouble that may pass', async () => {
  const socket = connect({ port: 1, host: '127.0.0.1' })
  const [error] = (await once(socket, 'error')) as [Error]
  const translated = translate(noHost(error), place)
  assert.ok(translated instanceof TransientError)
  assert.match(translated.message, /ECONNREFUSED/)
})

test('only a transaction that others contended for is of unknown end', () => {
  assert.ok(isUncertain(responseError(codes.writeTimeout, 'timeout', { writeType: 'CAS' })))
  assert.ok(isUncertain(responseError(0x1700, 'unknown')))
  assert.ok(!isUncertain(responseError(codes.writeTimeout, 'timeout', { writeType: 'SIMPLE' })))
  assert.ok(!isUncertain(slow))
})
