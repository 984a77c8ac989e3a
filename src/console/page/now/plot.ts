import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { Series } from './chart.tsx'

const HEIGHT = 180
/** So many seconds are shown at least, and one of these steps is between two times. */
const LEAST_S = 60
const STEPS_S = [10, 15, 30, 60, 120, 300]
const WHOLE_STEPS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat()
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

/** Draws into the box, as wide as it is, until `end`. Colours are those of the legend beside it, whatever the theme. */
export function draw(
  box: HTMLElement,
  data: uPlot.AlignedData,
  { series, isWhole }: { readonly series: readonly Series[]; readonly isWhole: boolean },
): { readonly plot: uPlot; readonly end: () => void } {
  const colourOf = (selector: string) => (): string => {
    const sample = box.parentElement?.querySelector(selector)
    return sample ? getComputedStyle(sample).color : 'gray'
  }
  const faint = colourOf('.plot')
  const axis: uPlot.Axis = {
    stroke: faint,
    font: '12px system-ui, sans-serif',
    grid: { stroke: faint, width: 0.15 },
    ticks: { show: false },
  }
  const plot = new uPlot(
    {
      width: box.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { range: (_, min, max) => [Math.min(min, max - LEAST_S), max] },
        y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] },
      },
      axes: [
        {
          ...axis,
          space: 90,
          size: 30,
          incrs: STEPS_S,
          values: (_, times) => times.map((time) => clock.format(time * 1000)),
        },
        { ...axis, size: 46, ...(isWhole && { incrs: WHOLE_STEPS }) },
      ],
      series: [
        {},
        ...series.map(({ tone }) => ({
          stroke: colourOf(`.${tone}`),
          width: 2,
          points: { show: false },
          ...(tone === 'third' && { dash: [6, 4] }),
        })),
      ],
    },
    data,
    box,
  )
  const resized = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: HEIGHT }))
  resized.observe(box)
  return {
    plot,
    end() {
      resized.disconnect()
      plot.destroy()
    },
  }
}
