import { render } from 'preact'
import { applyTheme } from './theme.tsx'
import { SignedIn } from './session.tsx'
import { Shell } from './shell.tsx'

applyTheme()
const page = document.getElementById('page')
if (page) {
  render(
    <SignedIn>
      <Shell />
    </SignedIn>,
    page,
  )
}
