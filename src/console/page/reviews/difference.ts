export interface Part {
  readonly kind: 'same' | 'gone' | 'new'
  readonly text: string
}

/** So many comparisons of words are made; longer texts are shown as a whole. */
const MAX_COMPARISONS = 250_000

/** What became of a text, word by word. */
export function difference(before: string, after: string): readonly Part[] {
  const [from, to] = [wordsOf(before), wordsOf(after)]
  if (from.length * to.length > MAX_COMPARISONS) return joined([part('gone', before), part('new', after)])
  const common = commonLengths(from, to)
  const parts: Part[] = []
  let [i, j] = [0, 0]
  while (i < from.length || j < to.length) {
    const [old = '', next = ''] = [from[i], to[j]]
    if (i < from.length && j < to.length && old === next) {
      parts.push(part('same', old))
      i++
      j++
    } else if (j >= to.length || (i < from.length && common(i + 1, j) >= common(i, j + 1))) {
      parts.push(part('gone', old))
      i++
    } else {
      parts.push(part('new', next))
      j++
    }
  }
  return joined(parts)
}

/** Words and what is between them. */
const wordsOf = (text: string): readonly string[] => text.match(/\s+|[^\s]+/g) ?? []

const part = (kind: Part['kind'], text: string): Part => ({ kind, text })

/** How many words the rests of both have in common, from any two places on. */
function commonLengths(from: readonly string[], to: readonly string[]): (i: number, j: number) => number {
  const width = to.length + 1
  const lengths = new Uint32Array((from.length + 1) * width)
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0
  for (let i = from.length - 1; i >= 0; i--) {
    for (let j = to.length - 1; j >= 0; j--) {
      lengths[i * width + j] = from[i] === to[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  return at
}

/** Neighbours of one kind become one. */
function joined(parts: readonly Part[]): readonly Part[] {
  const all: Part[] = []
  for (const { kind, text } of parts) {
    const last = all.at(-1)
    if (text === '') continue
    if (last?.kind === kind) all[all.length - 1] = part(kind, last.text + text)
    else all.push(part(kind, text))
  }
  return all
}
