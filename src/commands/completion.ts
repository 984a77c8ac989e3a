import { Argument, type Command, type Option } from 'commander'
import type { AddCommand, Io } from './command.ts'
import { write } from './output.ts'
import { example } from './up.ts'

/** Completion for shells, written from the command line itself. */
export const addCompletion: AddCommand = (program, io: Io) => {
  program
    .command('completion')
    .description('print a script that completes commands and options in your shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .addHelpText(
      'after',
      example(
        'headwater completion bash > ~/.local/share/bash-completion/completions/headwater',
        'source <(headwater completion zsh)',
        'headwater completion fish > ~/.config/fish/completions/headwater.fish',
      ),
    )
    .action(async (shell: keyof typeof SCRIPTS) => write(io, SCRIPTS[shell](placesIn(program))))
}

/** What may stand behind the words that lead to a command. */
interface Place {
  /** The commands that lead here, such as `dlq list`; empty at the beginning. */
  readonly path: string
  readonly commands: readonly Word[]
  readonly options: readonly Word[]
  /** What an argument may be, where it is one of a few words. */
  readonly values: readonly string[]
}

interface Word {
  readonly word: string
  readonly about: string
}

function placesIn(program: Command): readonly Place[] {
  const everywhere = [...program.options.flatMap(wordsOf), { word: '--help', about: 'display help' }]
  const walk = (command: Command, path: string): Place[] => [
    {
      path,
      commands: command.commands.map((sub) => ({ word: sub.name(), about: sub.description() })),
      options: command === program ? everywhere : [...command.options.flatMap(wordsOf), ...everywhere],
      values: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
    },
    ...command.commands.flatMap((sub) => walk(sub, `${path} ${sub.name()}`.trim())),
  ]
  return walk(program, '')
}

const wordsOf = ({ long, description }: Option): readonly Word[] =>
  typeof long === 'string' ? [{ word: long, about: description }] : []

const SCRIPTS = { bash, zsh, fish }

/** Finds the command that the words lead to, and offers what may follow; a file where nothing else fits. */
function bash(places: readonly Place[]): string {
  const paths = places.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`)
  const cases = places.map(({ path, commands, options, values }) => {
    const words = [...commands.map(({ word }) => word), ...values, ...options.map(({ word }) => word)]
    return `    '${path}') words='${words.join(' ')}' ;;`
  })
  return `_headwater() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${paths.join(' | ')}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ \${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -F _headwater headwater
`
}

/** Zsh runs the script for bash. */
function zsh(places: readonly Place[]): string {
  return `autoload -U +X compinit && compinit
autoload -U +X bashcompinit && bashcompinit
${bash(places)}`
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options, values }) => {
    const words = path.split(' ').filter(Boolean)
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`)
    const unseen = commands.length > 0 ? [`not __fish_seen_subcommand_from ${names(commands)}`] : []
    const condition = [...seen, ...unseen].join('; and ')
    const when = condition === '' ? '' : ` -n '${condition}'`
    return [
      ...commands.map(({ word, about }) => `complete -c headwater -f${when} -a ${word} -d ${quoted(about)}`),
      ...values.map((word) => `complete -c headwater -f${when} -a ${word}`),
      ...options.map(
        ({ word, about }) => `complete -c headwater${when} -l ${word.slice(2)} -d ${quoted(about)}`,
      ),
    ]
  })
  return `${lines.join('\n')}\n`
}

const names = (commands: readonly Word[]): string => commands.map(({ word }) => word).join(' ')

const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`
