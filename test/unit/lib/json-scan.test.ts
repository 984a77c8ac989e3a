import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compact, createScanner, findAll, holdsMoreThan } from '../../../src/lib/json-scan.ts'

function tokens(text: string, pointers: readonly string[]) {
  const { spans, ...rest } = createScanner(pointers)(text)
  const found = pointers.map((_, n) =>
    spans[2 * n] === -1 ? undefined : text.slice(spans[2 * n], spans[2 * n + 1]),
  )
  return { found, ...rest }
}

describe('the scanner', () => {
  test('finds the exact text behind pointers', () => {
    const text = '{ "a" : 1.50 , "b":{"c":"x\\"}","d":[1, 2]}, "e~/": null,"\\u0061b":true}'
    const { found, plain, repeated } = tokens(text, [
      '/a',
      '/b/c',
      '/b/d',
      '/b',
      '/e~0~1',
      '/ab',
      '/none',
      '/a/x',
    ])
    assert.deepEqual(found, [
      '1.50',
      '"x\\"}"',
      '[1, 2]',
      '{"c":"x\\"}","d":[1, 2]}',
      'null',
      'true',
      undefined,
      undefined,
    ])
    assert.deepEqual({ plain, repeated }, { plain: true, repeated: false })
  })

  test('agrees with JSON.parse on every value of every object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 12 }), fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        const keys = Object.keys(value)
        const { found } = tokens(
          text,
          keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
        )
        assert.deepEqual(
          found.map((token) => JSON.parse(token ?? '')),
          keys.map((key) => JSON.parse(JSON.stringify(value[key]))),
        )
      }),
      { numRuns: 1_000 },
    )
  })

  test('notices a wanted key that stands twice, and takes the last as JSON.parse does', () => {
    assert.deepEqual(tokens('{"a":1,"a":2}', ['/a']), {
      found: ['2'],
      plain: true,
      repeated: true,
      members: 2,
    })
    assert.equal(tokens('{"a":{"b":1},"a":{"b":2}}', ['/a/b']).repeated, true)
    assert.equal(tokens('{"a":1,"x":1,"x":2}', ['/a']).repeated, false)
  })

  test('says what is not plain: depth, infinite numbers, lone surrogates', () => {
    const isPlain = (text: string): boolean => tokens(text, ['/a']).plain
    for (const text of [
      '['.repeat(64) + ']'.repeat(64),
      '{"a":1e308}',
      '"\\ud83d\\ude00"',
      '{"a":"1e999"}',
      'true',
      '-0',
      '"\\\\"',
    ]) {
      assert.ok(isPlain(text), text)
    }
    for (const text of [
      '['.repeat(65) + ']'.repeat(65),
      '{"a":-1e309}',
      '{"b":[1E400]}',
      `{"a":${'1'.repeat(310)}}`,
      '"\\ud83d"',
      '"\\ude00"',
      '{"\\uD800":1}',
    ]) {
      assert.ok(!isPlain(text), text)
    }
  })

  test('a lone surrogate behind an escaped backslash was overlooked: it is not plain', () => {
    const isPlain = (text: string): boolean => tokens(text, ['/a']).plain
    assert.ok(!isPlain('{"a":"\\\\ud83d\\udc00"}'))
    assert.ok(!isPlain('{"a":"\\ud83d\\\\\\udc00"}'))
    assert.ok(!isPlain('{"a":"\\\\\\ud83d"}'))
    assert.ok(isPlain('{"a":"\\\\ud83d"}'), 'a backslash and a text')
    assert.ok(isPlain('{"a":"\\\\\\ud83d\\ude00"}'), 'a backslash and a whole character')
  })

  test('plain texts have no lone surrogates, whatever they are escaped with', () => {
    const unit = fc.constantFrom('\\', '\\ud83d', '\\ude00', 'ud83d', '\\\\', '"', 'a', '\ud83d', '\ude00')
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 8 }), (parts) => {
        const text = `"${parts.join('')}"`
        let value: unknown
        try {
          value = JSON.parse(text)
        } catch {
          return
        }
        if (tokens(text, []).plain && text.isWellFormed()) assert.ok(String(value).isWellFormed(), text)
      }),
      { numRuns: 5_000 },
    )
  })

  test('ends, or throws, on text that is no JSON at all', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', '1', 'e', ' ') }),
        (text) => {
          try {
            tokens(text, ['/1', '/1/1'])
          } catch (error) {
            assert.ok(error instanceof SyntaxError)
          }
        },
      ),
    )
  })

  test('is not slowed by depth', () => {
    const deep = '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000)
    assert.equal(tokens(deep, ['/a/a']).plain, false)
  })
})

describe('compact JSON', () => {
  test('is the same values without the white space between them', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 1, 3, '\t'), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        assert.equal(compact(text.replaceAll('\n', '\r\n')), JSON.stringify(value))
      }),
      { numRuns: 1_000 },
    )
  })

  test('of a very long text overflowed the stack of the pattern that made it', () => {
    const long = '\\"'.repeat(10_000_000)
    assert.equal(compact(`[ "${long}" , 1 ]`), `["${long}",1]`)
  })
})

test('a pattern leads to every value it can mean', () => {
  const text = ' {"data":[{"items":[1,"two"]},{"none":0},{"items":[{"x":3}]}]} '
  const all = (pattern: string) => findAll(text, pattern).map(([start, end]) => text.slice(start, end))
  assert.deepEqual(all('/data/*/items/*'), ['1', '"two"', '{"x":3}'])
  assert.deepEqual(all('/data/0/items'), ['[1,"two"]'])
  assert.deepEqual(all('/data/[]/items/[]'), ['1', '"two"', '{"x":3}'])
  assert.deepEqual(all('/[]'), [], 'not the members of an object')
  assert.deepEqual(all(''), [text.trim()])
  assert.deepEqual(all('/nowhere/*'), [])
})

test('counts the values of any JSON, with what stands in strings left out', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      let values = 0
      JSON.parse(text, () => void values++)
      // An empty list or object counts for two: itself, and what may stand in it.
      const empty = text
        .match(/"(?:[^"\\]|\\.)*"|\[\s*\]|\{\s*\}/g)
        ?.filter((token) => !token.startsWith('"'))
      const counted = values + (empty?.length ?? 0)
      assert.ok(holdsMoreThan(text, counted - 1))
      assert.ok(!holdsMoreThan(text, counted))
    }),
  )
})
