import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface FieldProps {
  readonly label: string
  readonly children: (id: string) => ComponentChildren
}

/** A control with its label; it takes the id that it is given. */
export function Field({ label, children }: FieldProps) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id)}
    </div>
  )
}

interface InputProps {
  readonly label: string
  readonly name: string
  readonly value: string
  readonly onValue: (value: string) => void
  readonly type?: 'text' | 'datetime-local' | 'number'
  readonly placeholder?: string
  readonly isRequired?: boolean
}

export function Input({
  label,
  name,
  value,
  onValue,
  type = 'text',
  placeholder,
  isRequired = false,
}: InputProps) {
  return (
    <Field label={label}>
      {(id) => (
        <input
          id={id}
          // Preact's types have one kind of attributes for each, and none for any of them.
          type={type as 'text'}
          // Else the browser would refuse a time with seconds.
          step={type === 'datetime-local' ? 'any' : undefined}
          name={name}
          value={value}
          placeholder={placeholder}
          required={isRequired}
          autocomplete="off"
          spellcheck={false}
          dir="auto"
          onInput={({ currentTarget }) => onValue(currentTarget.value)}
        />
      )}
    </Field>
  )
}

interface SelectProps {
  readonly label: string
  readonly name: string
  readonly value: string
  /** Values, or values with what they are called. */
  readonly options: readonly (string | readonly [string, string])[]
  readonly onValue: (value: string) => void
}

export function Select({ label, name, value, options, onValue }: SelectProps) {
  return (
    <Field label={label}>
      {(id) => (
        <select
          id={id}
          name={name}
          value={value}
          onChange={({ currentTarget }) => onValue(currentTarget.value)}
        >
          {options.map((option) => {
            const [key, title] = typeof option === 'string' ? [option, option] : option
            return (
              <option key={key} value={key}>
                {title}
              </option>
            )
          })}
        </select>
      )}
    </Field>
  )
}
