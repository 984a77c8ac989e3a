const KINDS: Readonly<Record<string, string>> = {
  running: 'good',
  failing: 'bad',
  waiting: 'waits',
  starting: 'waits',
}

/** The state of a source in a word. */
export function SourceState({ state, paused }: { readonly state: string; readonly paused: boolean }) {
  return paused ? <Badge kind="waits">paused</Badge> : <Badge kind={KINDS[state] ?? 'plain'}>{state}</Badge>
}

/** A word in a colour that goes with it. */
export function Badge({ kind, children }: { readonly kind: string; readonly children: string }) {
  return <span class={`badge ${kind}`}>{children}</span>
}
