/** Changes this process's environment until it is disposed; `undefined` takes a variable out. */
export function changeEnv(changes: Readonly<Record<string, string | undefined>>): Disposable {
  const before = Object.keys(changes).map((name) => [name, process.env[name]] as const)
  for (const [name, value] of Object.entries(changes)) set(name, value)
  return {
    [Symbol.dispose]() {
      for (const [name, value] of before) set(name, value)
    },
  }
}

function set(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}
