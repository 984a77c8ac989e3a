import { useEffect, useRef } from 'preact/hooks'
import type uPlot from 'uplot'
import { watchTheme } from '../theme.tsx'

export interface Series {
  readonly name: string
  readonly tone: 'first' | 'second' | 'third'
  readonly values: readonly (number | undefined)[]
}

interface ChartProps {
  readonly title: string
  /** Seconds since 1970. */
  readonly times: readonly number[]
  readonly series: readonly Series[]
  readonly written: (value: number) => string
  /** There is nothing between one value and the next number. */
  readonly isWhole?: boolean
}

/** Lines over time, with their last values in words: these are what a screen reader has of it. */
export function Chart({ title, times, series, written, isWhole = false }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const isEmpty = times.length < 2
  const data = [
    times,
    ...series.map(({ values }) => values.map((value) => value ?? null)),
  ] as uPlot.AlignedData
  const latest = useRef(data)
  latest.current = data

  useEffect(() => {
    if (isEmpty || !place.current) return
    const box = place.current
    let stop = (): void => {}
    let isGone = false
    void import('./plot.ts').then(({ draw }) => {
      if (isGone) return
      const drawn = draw(box, latest.current, { series, isWhole })
      plot.current = drawn.plot
      const unwatch = watchTheme(() => drawn.plot.redraw())
      stop = () => {
        unwatch()
        drawn.end()
      }
    })
    return () => {
      isGone = true
      plot.current = null
      stop()
    }
  }, [isEmpty])
  useEffect(() => plot.current?.setData(data))

  return (
    <figure class="chart card">
      <figcaption>
        <h2>{title}</h2>
        <ul class="legend">
          {series.map(({ name, tone, values }) => (
            <li key={name}>
              <span class={`swatch ${tone}`} aria-hidden="true" />
              {name} <strong>{lastOf(values, written)}</strong>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={place} class="plot" aria-hidden="true">
        {isEmpty && <p class="muted">Drawn from what comes while this page is open …</p>}
      </div>
    </figure>
  )
}

function lastOf(values: readonly (number | undefined)[], written: (value: number) => string): string {
  const last = values.at(-1)
  return last === undefined ? '–' : written(last)
}
