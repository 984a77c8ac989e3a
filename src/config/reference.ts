import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expectation } from './check.ts'
import { sectionShape } from './print.ts'
import { COMMON, type Room, ROOMS, type Rooms, topFields } from './schema.ts'
import { childOf, type Field, fields, forms, isSecret, objects, type Shape, shapeOf } from './shape.ts'

/** Where the reference is kept. */
export const REFERENCE = join(import.meta.dirname, '../../docs/configuration.md')

const INTRODUCTION = `# Configuration

Generated from the schemas by \`npm run docs\`.

One YAML or JSON file: the one named by \`-c FILE\`, else \`headwater.yaml\` in the working folder. Without a file the queue and
the store are the embedded ones, in \`./data\`, and a webhook listens on this machine only, at \`/hooks/webhook\`.

- Unknown keys are errors. \`headwater config check\` tells every problem at once, with its path.
- \`\${NAME}\` is an environment variable, \`\${NAME:-default}\` one that may be absent or empty, \`\${file:/path}\` a file's text
  without its last line end. \`\${aws-sm:NAME#KEY}\`, \`\${gcp-sm:projects/PROJECT/secrets/SECRET#KEY}\` and
  \`\${vault:PATH#KEY}\` are secrets of AWS Secrets Manager, Google Secret Manager and HashiCorp Vault, see
  [secrets.md](secrets.md). A literal \`\${\` is written \`$\${\`.
- A duration is written \`250ms\`, \`30s\`, \`5m\`, \`1h\` or \`7d\`; a size \`64KiB\`, \`10MiB\` or \`1GB\`.
- Keys marked as secret are never logged or printed. They belong into the environment, into files or into a
  secrets manager.
- Relative paths are relative to the working folder; that of a [source of your own](sources-of-your-own.md), to the
  config file.
- \`headwater config schema\` prints a JSON Schema, with which editors complete and check.
`

const TITLES = {
  sources: [
    'Sources',
    'A list, `sources:`. Every source has these keys, and those of its type. For what is not here, write a ' +
      '[source of your own](sources-of-your-own.md).',
    'Source',
  ],
  queues: ['Queue', 'One mapping, `queue:`. Every queue has these keys, and those of its type.', 'Queue'],
  stores: [
    'Store',
    'One mapping, `store:`, and optionally another, `registry:`, for checkpoints and leases. Each has this key, and those of its type.',
    'Store',
  ],
} as const

/** What has a chapter of its own. */
const SECTIONS = { sources: true, queue: true, store: true, registry: true }

/** docs/configuration.md: every key there is, from the schemas. */
export async function reference(rooms: Rooms = ROOMS): Promise<string> {
  const parts = [INTRODUCTION]
  for (const kind of ['sources', 'queues', 'stores'] as const) parts.push(await chapter(kind, rooms[kind]))
  const top = shapeOf(topFields)
  for (const { key, written } of fields(top).filter(({ key }) => !Object.hasOwn(SECTIONS, key)))
    parts.push(`## \`${written}:\`\n`, table(childOf(top, key)))
  return parts.join('\n')
}

async function chapter(kind: keyof Rooms, room: Room): Promise<string> {
  const [title, introduction, one] = TITLES[kind]
  const parts = [`## ${title}\n`, `${introduction}\n`, table(COMMON[kind])]
  for (const type of Object.keys(room)) {
    const shape = await sectionShape(kind, type, room)
    const own = table(shape, new Set(Object.keys(COMMON[kind].properties ?? {})))
    parts.push(`### ${one} \`${type}\`\n`, own === '' ? 'No keys of its own.\n' : own)
  }
  return parts.join('\n')
}

function table(shape: Shape, without: ReadonlySet<string> = new Set()): string {
  const lines = rows(shape, '', without)
  return lines.length === 0
    ? ''
    : ['| Key | Value | Default | What it is |', '|---|---|---|---|', ...lines, ''].join('\n')
}

function rows(shape: Shape, prefix: string, without: ReadonlySet<string> = new Set()): string[] {
  return fields(shape).flatMap((field) => {
    if (without.has(field.key)) return []
    const child = childOf(shape, field.key)
    const name = `${prefix}${field.written}`
    const below = rows(child, `${name}.`).concat(child.items ? rows(child.items, `${name}[].`) : [])
    const hasOnlyKeys = below.length > 0 && child.description === undefined && forms(child).length === 1
    return hasOnlyKeys ? below : [row(name, field, { shape, child }), ...below]
  })
}

function row(name: string, field: Field, { shape, child }: { shape: Shape; child: Shape }): string {
  const owners = objects(shape)
  const isRequired = owners.every(({ required }) => required?.includes(field.key))
  const fallback = forms(child).find((form) => form.default !== undefined)?.default
  const hasDefault = fallback !== undefined && typeof fallback !== 'object'
  const notes = [
    forms(child).find(({ description }) => description !== undefined)?.description,
    isSecret(child) ? 'Secret.' : undefined,
    onlyWith(field, owners),
  ]
  const cells = [
    `\`${name}\``,
    expectation(child).replaceAll('"', '`'),
    hasDefault ? `\`${plain(fallback)}\`` : isRequired ? 'required' : '',
    notes.filter((note) => note !== undefined).join(' '),
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}

/** Which choice a key belongs to, where not all of them have it: `With scheme shared-secret.` */
function onlyWith(field: Field, owners: readonly Shape[]): string | undefined {
  const having = owners.filter(
    ({ properties }) => properties !== undefined && Object.hasOwn(properties, field.key),
  )
  if (having.length === owners.length) return undefined
  const choices = having.flatMap(({ properties = {} }) =>
    Object.entries(properties).flatMap(([key, { const: value }]) =>
      value === undefined ? [] : [`${key} \`${plain(value)}\``],
    ),
  )
  return choices.length === 0 ? undefined : `With ${choices.join(' or ')}.`
}

const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

if (import.meta.main) await writeFile(REFERENCE, await reference())
