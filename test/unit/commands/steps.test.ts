import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Command } from 'commander'
import fc from 'fast-check'
import type { Io } from '../../../src/commands/command.ts'
import { addStepOptions, optionsOf, type StepOptions, stepsOf } from '../../../src/commands/steps.ts'
import { readSteps } from '../../../src/presets/repair.ts'
import type { Step } from '../../../src/review/repair.ts'

/** The steps that a person who types this means. */
const typed = (line: string): Promise<readonly Step[]> => readAgain(line === '' ? [] : line.split(' '))

async function readAgain(words: readonly string[]): Promise<readonly Step[]> {
  const command = addStepOptions(new Command().exitOverride())
  command.parse(words, { from: 'user' })
  return stepsOf(command.opts<StepOptions>(), {} as Io)
}

/** As a shell takes a line apart. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '')

suite('steps that are typed', () => {
  test('are done in the order in which they stand, whatever they are', async () => {
    const steps = await typed(
      '--copy /item/a=b/id=user_id --parse user_id=id --remove title ' +
        '--copy /item/head=title --move variant=product_title --parse rating=stars',
    )
    assert.deepEqual(steps, [
      { copy: '/item/a=b/id', to: 'user_id' },
      { parse: 'user_id', as: 'id' },
      { remove: 'title' },
      { copy: '/item/head', to: 'title' },
      { move: 'variant', to: 'product_title' },
      { parse: 'rating', as: 'stars' },
    ])
  })

  test('hold values as their fields do, and tell a place from a value', async () => {
    const steps = await typed(
      '--set rating=4.5 --set user_id=17 --set vine=true --set title=a=b ' +
        '--default product_id=/context/carried/asin --default language=en',
    )
    assert.deepEqual(steps, [
      { set: 'rating', to: 4.5 },
      { set: 'user_id', to: '17' },
      { set: 'vine', to: true },
      { set: 'title', to: 'a=b' },
      { default: 'product_id', from: '/context/carried/asin' },
      { default: 'language', to: 'en' },
    ])
  })

  test('are refused with everything that is wrong with them', async () => {
    for (const line of [
      '--parse rating=starz',
      '--parse rating',
      '--set rated=4',
      '--copy /elsewhere/id=user_id',
      '--copy user_id',
      '--remove nothing',
    ])
      await assert.rejects(typed(line), /the steps of a repair/, line)
    assert.deepEqual(await typed(''), [])
  })

  test('say what there is where a name is mistyped, and not only that something is wrong', async () => {
    await assert.rejects(typed('--parse rating=starz'), /step 1: .*expected one of .*"stars"/s)
    await assert.rejects(typed('--parse ratng=stars'), /step 1: .*expected one of .*"rating"/s)
    await assert.rejects(typed('--copy /elsewhere/id=user_id'), /a JSON pointer into \/review/)
    assert.throws(() => readSteps([{ pars: 'rating' }]), /step 1: .*expected one of set, default/s)
  })

  test('can be typed again from what they are, unless a shell would take them for something else', async () => {
    const line = '--copy /item/a=b/id=user_id --set rating=4.5 --default language=en'
    assert.equal(optionsOf(await typed(line)), line)
    assert.equal(optionsOf([{ set: 'title', to: 'two words; rm' }]), "--set 'title=two words; rm'")
    assert.equal(optionsOf([{ set: 'title', to: "it's" }]), undefined)
    assert.equal(optionsOf([{ copy: '/item/\u202e', to: 'title' }]), undefined)
  })

  test('are shown as options only where these mean the same: a text of digits was typed again as a number', async () => {
    assert.equal(optionsOf([{ set: 'rating', to: '4' }]), undefined)
    assert.equal(optionsOf([{ default: 'title', to: '/item/heading' }]), undefined)
    const to = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('4', '/item/a', 'true'),
      fc.double(),
      fc.boolean(),
    )
    const field = fc.constantFrom('rating', 'title', 'vine', 'helpful_votes')
    const pointer = fc.string().map((name) => `/item/${name}`)
    const step = fc.oneof(
      fc.record({ set: field, to }),
      fc.record({ default: field, to }),
      fc.record({ default: field, from: pointer }),
      fc.record({ copy: pointer, to: field }),
      fc.record({ move: field, to: field }),
    ) as fc.Arbitrary<Step>
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 3 }), async (steps) => {
        const line = optionsOf(steps)
        if (line !== undefined) assert.deepEqual(await readAgain(wordsOf(line)), steps)
      }),
    )
  })
})
