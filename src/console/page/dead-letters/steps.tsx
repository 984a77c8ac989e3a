import type { Step } from './step-words.ts'
import { Input, Select } from '../parts/field.tsx'
import { useCanChange } from '../session.tsx'
import { KINDS, kindOf, stepSentence } from './step-words.ts'

/** Put in when the page is built: what there is to choose from. */
declare const REVIEW_FIELDS: readonly string[]
declare const PARSER_NAMES: readonly string[]

interface StepsProps {
  readonly steps: readonly Step[]
  readonly change: (steps: readonly Step[]) => void
  /** The field at fault: what a new step is about. */
  readonly field: string
}

/** The steps of a repair, in their order. */
export function Steps({ steps, change, field }: StepsProps) {
  const canChange = useCanChange()
  const about = REVIEW_FIELDS.includes(field) ? field : 'rating'
  if (!canChange) {
    return (
      <ol class="steps">
        {steps.map((step, index) => (
          <li key={index}>{stepSentence(step)}</li>
        ))}
      </ol>
    )
  }
  const put = (index: number, step: Step): void => change(steps.with(index, step))
  return (
    <div class="steps">
      <ol class="steps">
        {steps.map((step, index) => (
          <li key={index}>
            <fieldset class="step">
              <legend class="unseen">Step {index + 1}</legend>
              <StepFields step={step} put={(next) => put(index, next)} />
              <button
                type="button"
                class="button"
                aria-label={`Remove step ${index + 1}`}
                onClick={() => change(steps.toSpliced(index, 1))}
              >
                Remove
              </button>
            </fieldset>
          </li>
        ))}
      </ol>
      <div>
        <button type="button" class="button small" onClick={() => change([...steps, fresh('parse', about)])}>
          Add a step
        </button>
      </div>
    </div>
  )
}

function StepFields({ step, put }: { readonly step: Step; readonly put: (step: Step) => void }) {
  const kind = kindOf(step)
  const field = String(step[kind.field])
  const value = kind.other === undefined ? '' : step[kind.other]
  const write = (next: string | number | boolean): void => {
    if (kind.other) put({ [kind.field]: field, [kind.other]: next })
  }
  return (
    <>
      <Select
        label="Do"
        name="kind"
        value={kind.name}
        options={KINDS.map(({ name, title }) => [name, title] as const)}
        onValue={(name) => put(fresh(name, field))}
      />
      <Select
        label="Field"
        name="field"
        value={field}
        options={REVIEW_FIELDS}
        onValue={(name) => put({ ...step, [kind.field]: name })}
      />
      {kind.name === 'parse' && (
        <Select label="As" name="as" value={String(value)} options={PARSER_NAMES} onValue={write} />
      )}
      {kind.name === 'move' && (
        <Select label="To" name="to" value={String(value)} options={REVIEW_FIELDS} onValue={write} />
      )}
      {(kind.name === 'set' || kind.name === 'default') && (
        <Input label="To" name="to" value={String(value)} onValue={(text) => write(scalarOf(text))} />
      )}
      {(kind.name === 'copy' || kind.name === 'default-from') && (
        <Input
          label="From"
          name="from"
          value={String(value)}
          placeholder="/item/stars"
          onValue={(text) => write(text)}
        />
      )}
      {kind.name === 'remove' && <span />}
    </>
  )
}

/** A step of a kind about a field, to be filled in. */
function fresh(name: string, field: string): Step {
  const kind = KINDS.find((one) => one.name === name) ?? KINDS[0]
  if (kind.other === undefined) return { [kind.field]: field }
  const beginnings = {
    parse: 'number',
    move: field,
    copy: '/item/',
    'default-from': '/context/',
    set: '',
    default: '',
  }
  return { [kind.field]: field, [kind.other]: beginnings[kind.name] }
}

/** `5` is a number and `true` a boolean; what stands in quotes is text whatever it is. */
function scalarOf(text: string): string | number | boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string' ? value : text
  } catch {
    return text
  }
}
