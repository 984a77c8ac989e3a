/** A number as it stands in the text: as a double it could be another. */
export class ExactNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** What the text is as JSON, its numbers as they are written. Undefined where it is no JSON, or too deep to be read here. */
export function parseExactly(text: string): unknown {
  type Exact = (
    this: unknown,
    name: string,
    value: unknown,
    context?: { readonly source?: string },
  ) => unknown
  const exact: Exact = (_, value, context) =>
    typeof value === 'number' ? new ExactNumber(context?.source ?? String(value)) : value
  try {
    return JSON.parse(text, exact)
  } catch {
    return undefined
  }
}
