import { once } from 'node:events'
import { isatty } from 'node:tty'

const signals = ['SIGTERM', 'SIGHUP', 'SIGINT']

/**
 * Waits for a child and passes on to it what this process is told to stop with. Resolves to how the child ended, and
 * to the signal that this process was told, if any.
 */
export async function ended(child) {
  let told
  const passOn = (signal) => {
    told = signal
    // A terminal sends Ctrl-C to the child itself.
    if (signal !== 'SIGINT' || !isatty(0)) child.kill(signal)
  }
  for (const signal of signals) process.on(signal, passOn)
  try {
    const [code, signal] = await once(child, 'close')
    return { code, signal, told }
  } finally {
    for (const signal of signals) process.off(signal, passOn)
  }
}

/** Ends this process the way a child ended: with its exit code, or by its signal. */
export function endLike({ code, signal }) {
  if (signal) process.kill(process.pid, signal)
  else process.exitCode = code
}
