import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { HeadwaterError } from '../../../src/errors.ts'
import { type Candidate, readCandidate } from '../../../src/presets/candidate.ts'
import { review } from '../../support/reviews.ts'
import { temporaryFolder } from '../../support/temp.ts'

async function readFrom(text: string, name = 'mine.yaml'): Promise<Candidate> {
  await using folder = await temporaryFolder()
  const path = join(folder.path, name)
  await writeFile(path, text)
  return await readCandidate(path)
}

async function faultsUnder(schema: object, more: object): Promise<readonly string[]> {
  const candidate = await readFrom(JSON.stringify(schema), 'candidate.json')
  assert.ok(candidate.kind === 'schema')
  const { validator } = candidate
  const item = JSON.parse(review('R1', more)) as object
  const faults = validator.allFaults(item)
  assert.equal(validator.isValid(item), faults.length === 0)
  return faults.map(({ message }) => message)
}

describe('a candidate', () => {
  test('is a schema in JSON or YAML, a preset in YAML, or the name of a preset', async () => {
    const kinds = [
      await readFrom('{"type": "object", "required": ["title"]}', 'a.json'),
      await readFrom('$ref: urn:headwater:review:1\nrequired: [title]\n'),
      await readFrom('name: mine\nversion: 2\nfields: { rating: { from: /stars } }\n'),
      await readCandidate('rainforest'),
    ]
    assert.deepEqual(
      kinds.map(({ kind }) => kind),
      ['schema', 'schema', 'preset', 'preset'],
    )
  })

  test('may ask for a field with a slash in its name: another field was said to be missing', async () => {
    const candidate = await readFrom('{"type": "object", "required": ["a/b", "c~d"]}', 'a.json')
    assert.ok(candidate.kind === 'schema')
    const faults = candidate.validator.allFaults(JSON.parse(review('R1')) as object)
    assert.deepEqual(
      faults.map(({ pointer, message }) => [pointer, message.split(' ')[0]]),
      [
        ['/a~1b', 'a/b'],
        ['/c~0d', 'c~d'],
      ],
    )
  })

  const wrong: Readonly<Record<string, [string, string, RegExp]>> = {
    'that is cut off': ['{"properties": {"rating": ', 'CANDIDATE_INVALID', /mine\.yaml: .*at line 1, column/],
    'with a type that there is not': [
      '{"properties": {"rating": {"type": "nummer"}}}',
      'CANDIDATE_INVALID',
      /no JSON Schema of 2020-12: \/properties\/rating\/type must be/,
    ],
    'with a keyword that there is not': [
      '{"properties": {"rating": {"minimun": 1}}}',
      'CANDIDATE_INVALID',
      /unknown keyword: "minimun"/,
    ],
    'of another draft': [
      '{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}',
      'CANDIDATE_INVALID',
      /draft-07/,
    ],
    'of a list': ['{"type": "array"}', 'CANDIDATE_INVALID', /\/type: expected "object".*found "array"/],
    'that is a list': ['[1, 2]', 'CANDIDATE_INVALID', /expected a JSON Schema .* found a list/],
    'that is something else': ['colour: blue', 'CANDIDATE_INVALID', /found colour/],
    'that is a preset with a fault': [
      'name: mine\nversion: 0\nfields: {}\n',
      'CONFIG_INVALID',
      /mine\.yaml:[^]*version/,
    ],
  }
  for (const [what, [text, code, message]] of Object.entries(wrong)) {
    test(`${what} is refused with the place`, async () => {
      await assert.rejects(readFrom(text), (error) => {
        assert.ok(error instanceof HeadwaterError)
        assert.equal(error.code, code)
        assert.match(error.message, message)
        return true
      })
    })
  }

  test('that is not there is refused', async () => {
    await assert.rejects(readCandidate('/nowhere/at/all.json'), { code: 'FILE_UNREADABLE' })
  })
})

describe('a schema that is tried', () => {
  const force = { $ref: 'urn:headwater:review:1' }

  test('may add to the one in force by its name', async () => {
    const schema = { ...force, required: ['title'] }
    assert.deepEqual(await faultsUnder(schema, { title: 'Fine' }), [])
    assert.deepEqual(await faultsUnder(schema, {}), ['title is missing: it must be present and not null'])
    assert.deepEqual(await faultsUnder(schema, { title: 'Fine', rating: 6 }), [
      'rating must be at most 5, found 6',
    ])
  })

  test('counts characters and not units where a text has to be long', async () => {
    const schema = { ...force, properties: { title: { minLength: 2 } } }
    assert.deepEqual(await faultsUnder(schema, { title: '👍' }), [
      'title must have at least 2 characters, found "👍"',
    ])
    assert.deepEqual(await faultsUnder(schema, { title: '👍👍' }), [])
  })

  test('tells its faults in words', async () => {
    const properties = {
      title: { pattern: '^[A-Z]' },
      language: { enum: ['en', 'de'] },
      rating: { exclusiveMinimum: 1 },
      review_url: { format: 'uri' },
    }
    const item = { title: 'fine', language: 'fr', rating: 1, review_url: 'no' }
    assert.deepEqual(await faultsUnder({ properties }, item), [
      'title must match ^[A-Z], found "fine"',
      'language must be one of "en", "de", found "fr"',
      'rating must be above 1, found 1',
      'review_url must be of the format uri, found "no"',
    ])
    const closed = { properties: { review_id: true }, unevaluatedProperties: false }
    const [first = ''] = await faultsUnder(closed, {})
    assert.match(first, /^\w+ is a field that the schema does not have$/)
  })

  test('finds what is too much also where it allows more than the schema in force', async () => {
    const images = Array.from({ length: 1_600 }, () => 'i')
    const schema = { properties: { images: { maxItems: 1_500 } } }
    assert.deepEqual(await faultsUnder(schema, { images }), ['images has more than 1500 entries'])
    assert.deepEqual(await faultsUnder(schema, { images: images.slice(200) }), [])
  })
})
