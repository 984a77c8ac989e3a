/** What people write, by how many stars they give. `{product}`, `{thing}` and `{days}` are filled in. */
export interface Language {
  /** What stands between two sentences. */
  readonly space: string
  /** The beginning of what is added to a review later. */
  readonly update: string
  readonly tones: Readonly<Record<Stars, Tone>>
}

/** How people sound who give the same number of stars. */
export interface Tone {
  readonly titles: List
  readonly sentences: List
}

/** How many stars a review gives. */
export type Stars = 1 | 2 | 3 | 4 | 5

/** Something, and how large a part of the whole it is. */
export type Share<T> = readonly [value: T, share: number]

/** A list to pick from: never empty. */
export type List<T = string> = readonly [T, ...T[]]
