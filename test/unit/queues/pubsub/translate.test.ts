import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatusError } from '@google-cloud/pubsub'
import { HeadwaterError, TransientError } from '../../../../src/errors.ts'
import { isStatus, translate } from '../../../../src/queues/pubsub/translate.ts'

const place = { address: 'pubsub.googleapis.com:443', credentials: 'queue.key_file' }

type Status = ConstructorParameters<typeof StatusError>[0]
const statusError = (code: number, details: string): StatusError =>
  new StatusError({ code, details, metadata: {} } as Status)

const table: readonly [what: string, error: unknown, code: string, isTransient: boolean][] = [
  ['cancelled', statusError(1, 'Cancelled on client'), 'QUEUE_UNAVAILABLE', true],
  ['unknown', statusError(2, 'Stream removed'), 'QUEUE_UNAVAILABLE', true],
  ['invalid argument', statusError(3, 'The value for ack_ids is too large'), 'QUEUE_REFUSED', false],
  ['late', statusError(4, 'Deadline exceeded after 3.0s'), 'QUEUE_UNAVAILABLE', true],
  ['not found', statusError(5, 'Resource not found (resource=x)'), 'TOPIC_MISSING', false],
  ['there already', statusError(6, 'Resource already exists'), 'QUEUE_REFUSED', false],
  ['no permission', statusError(7, 'User not authorized to perform this action.'), 'QUEUE_REFUSED', false],
  ['out of quota', statusError(8, 'Quota exceeded'), 'QUEUE_UNAVAILABLE', true],
  ['not in this state', statusError(9, 'Subscription is a push subscription'), 'QUEUE_REFUSED', false],
  ['given up', statusError(10, 'The operation was aborted'), 'QUEUE_UNAVAILABLE', true],
  ['not built', statusError(12, 'unknown method'), 'QUEUE_REFUSED', false],
  ['nonsense on the wire', statusError(13, 'Received RST_STREAM with code 2'), 'QUEUE_UNAVAILABLE', true],
  ['away', statusError(14, 'No connection established'), 'QUEUE_UNAVAILABLE', true],
  ['no name', statusError(14, 'Name resolution failed for target dns:x'), 'QUEUE_UNAVAILABLE', true],
  ['broken', statusError(15, 'data loss'), 'QUEUE_UNAVAILABLE', true],
  [
    'unknown to Google',
    statusError(16, 'Request had invalid authentication credentials'),
    'QUEUE_REFUSED',
    false,
  ],
  [
    'a key that no longer holds',
    statusError(2, 'Getting metadata from plugin failed with error: invalid_grant: Invalid JWT Signature.'),
    'QUEUE_REFUSED',
    false,
  ],
  [
    'a key that is no key',
    statusError(
      2,
      'Getting metadata from plugin failed with error: error:1E08010C:DECODER routines::unsupported',
    ),
    'QUEUE_REFUSED',
    false,
  ],
  [
    'no way to the tokens',
    statusError(2, 'Getting metadata from plugin failed with error: getaddrinfo EAI_AGAIN'),
    'QUEUE_UNAVAILABLE',
    true,
  ],
  [
    'no credentials',
    new Error('Could not load the default credentials. Browse to x'),
    'QUEUE_REFUSED',
    false,
  ],
  ['a client that was closed', 'The client has already been closed.', 'QUEUE_UNAVAILABLE', true],
  ['anything else', new TypeError('x is not a function'), 'QUEUE_UNAVAILABLE', true],
]

for (const [what, error, code, isTransient] of table) {
  test(`translates ${what}`, () => {
    const translated = translate(error, place)
    assert.equal(translated.code, code)
    assert.equal(translated instanceof TransientError, isTransient)
    assert.ok(translated.message.includes(place.address))
    assert.equal(translated.cause, error)
  })
}

test('names the setting of credentials that are refused', () => {
  for (const error of [statusError(7, 'no'), statusError(16, 'no'), statusError(2, 'invalid_grant')])
    assert.match(translate(error, place).message, /queue\.key_file/)
})

test('leaves alone what is ours, and knows its status', () => {
  const ours = new HeadwaterError('NOT_FOUND', 'no group')
  assert.equal(translate(ours, place), ours)
  assert.ok(isStatus(translate(statusError(5, 'gone'), place), 'NOT_FOUND'))
  assert.ok(!isStatus(ours, 'NOT_FOUND'))
  assert.ok(!isStatus(new DOMException('stopped', 'AbortError'), 'NOT_FOUND'))
})
