import type { ComponentChild } from 'preact'

export interface Row {
  readonly id: string
  readonly cells: readonly ComponentChild[]
}

interface TableProps {
  readonly label: string
  readonly columns: readonly string[]
  /** The indexes of columns that hold numbers. */
  readonly numeric?: readonly number[]
  readonly rows: readonly Row[]
}

/** A table whose rows become cards where the page is narrow; the first column names the row. */
export function Table({ label, columns, numeric = [], rows }: TableProps) {
  return (
    <table class="table" aria-label={label}>
      <thead>
        <tr>
          {columns.map((name, index) => (
            <th key={name} scope="col" class={numeric.includes(index) ? 'number' : ''}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ id, cells }) => (
          <tr key={id}>
            {cells.map((cell, index) =>
              index === 0 ? (
                <th key={columns[index]} scope="row">
                  {cell}
                </th>
              ) : (
                <td
                  key={columns[index]}
                  class={numeric.includes(index) ? 'number' : ''}
                  data-name={columns[index]}
                >
                  {cell}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
