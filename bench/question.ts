/** One question that is answered by measuring: asked several times, of which the median counts. */
export interface Question {
  readonly name: string
  /** What is asked, as a sentence for the reader of the figures. */
  readonly asks: string
  ask(options: AskOptions): Promise<readonly Row[]>
}

export interface AskOptions {
  /** How many reviews a measurement is made with, roughly. */
  readonly count: number
}

/** Figures that belong together; the name of each says its unit. */
export interface Row {
  readonly of: string
  readonly figures: Readonly<Record<string, number>>
}

/** What `bench/run.ts` prints and `bench/docs.ts` reads. */
export interface Report {
  readonly date: string
  readonly machine: string
  /** Of what was measured and of what it runs on: name → version. */
  readonly versions: Readonly<Record<string, string>>
  readonly runs: number
  readonly count: number
  readonly answers: readonly Answer[]
}

export interface Answer {
  readonly name: string
  readonly asks: string
  readonly rows: readonly Row[]
}

/** The median of every figure over several runs, which all have the same rows. */
export function medians(runs: readonly (readonly Row[])[]): readonly Row[] {
  const [first = []] = runs
  return first.map(({ of, figures }, at) => ({
    of,
    figures: Object.fromEntries(
      Object.keys(figures).map((name) => [
        name,
        median(runs.map((rows) => rows[at]?.figures[name] ?? Number.NaN)),
      ]),
    ),
  }))
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  const lower = sorted[middle - 1] ?? Number.NaN
  return round(sorted.length % 2 === 1 ? upper : (lower + upper) / 2)
}

const round = (value: number): number => Math.round(value * 100) / 100
