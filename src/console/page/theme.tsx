import { useId, useState } from 'preact/hooks'

const THEMES = ['system', 'light', 'dark'] as const
type Theme = (typeof THEMES)[number]

const PLACE = 'headwater-theme'
const onChange = new Set<() => void>()

/** Calls back when the colours change, by the switch or by the system, until the function that it returns is called. */
export function watchTheme(changed: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)')
  onChange.add(changed)
  system.addEventListener('change', changed)
  return () => {
    onChange.delete(changed)
    system.removeEventListener('change', changed)
  }
}

/** Shows the page in the colours that were chosen in this browser, or in those of the system. */
export function applyTheme(theme: Theme = chosen()): void {
  document.documentElement.dataset['theme'] = theme
  for (const changed of onChange) changed()
}

export function ThemeSwitch() {
  const id = useId()
  const [theme, setTheme] = useState(chosen)
  const choose = (next: Theme): void => {
    remember(next)
    setTheme(next)
    applyTheme(next)
  }
  return (
    <div class="theme">
      <label for={id}>Theme</label>
      <select id={id} value={theme} onChange={({ currentTarget }) => choose(themeOf(currentTarget.value))}>
        {THEMES.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </div>
  )
}

const themeOf = (name: unknown): Theme => THEMES.find((theme) => theme === name) ?? 'system'

/** A browser may forbid a page to remember. */
function chosen(): Theme {
  try {
    return themeOf(localStorage.getItem(PLACE))
  } catch {
    return 'system'
  }
}

function remember(theme: Theme): void {
  try {
    localStorage.setItem(PLACE, theme)
  } catch {
    return
  }
}
