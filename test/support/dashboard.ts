/** What our tests look at in a dashboard of Grafana. */
export interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly Variable[] }
}

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: object
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } }
  readonly targets?: readonly {
    readonly expr: string
    readonly legendFormat: string
    readonly datasource: object
  }[]
}

interface Variable {
  readonly name: string
  readonly definition?: string
}

/** What the variables ask: the selector and the label in each `label_values(selector, label)`. */
export function queriesOf({ templating }: Dashboard): readonly string[] {
  return templating.list.flatMap(({ definition }) => {
    if (definition === undefined) return []
    const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? []
    return [`${selector} by (${label})`]
  })
}

/** The expression as Grafana asks it where everything is chosen. */
export function filledIn(expr: string): string {
  return expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$(job|instance|source)\b/g, '.*')
}
