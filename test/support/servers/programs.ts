import { execFile } from 'node:child_process'
import { access, constants, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { cached } from './cache.ts'
import type { Unavailable } from './process.ts'

const execute = promisify(execFile)

/** What brings each program that servers are started or built with. */
const BROUGHT_BY: Readonly<Record<string, string>> = {
  java: 'openjdk-17-jdk-headless',
  javac: 'openjdk-17-jdk-headless',
  mvn: 'maven',
  openssl: 'openssl',
}

/** The first of these programs that is not here, and the command that brings it. With `CI=true` that is an error. */
export async function missingProgram(...programs: readonly string[]): Promise<Unavailable | undefined> {
  for (const program of programs) {
    if (await isOnPath(program)) continue
    const skip = `${program} is not here; this brings it: apt-get install -y --no-install-recommends ${BROUGHT_BY[program] ?? program}`
    if (process.env['CI'] === 'true') throw new Error(skip)
    return { skip }
  }
  return undefined
}

async function isOnPath(program: string): Promise<boolean> {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = await Promise.allSettled(
    folders.map((folder) => access(join(folder, program), constants.X_OK)),
  )
  return found.some(({ status }) => status === 'fulfilled')
}

export interface Artifact {
  readonly group: string
  readonly artifact: string
  readonly version: string
  /** Artifacts of the same group that it would bring, and nobody here needs. */
  readonly without?: readonly string[]
}

/** The jars of some artifacts and of all they need, from Maven, as a class path. `more` adds to the folder once they are there. */
export async function jarsOf(
  name: string,
  artifacts: readonly Artifact[],
  more: (folder: string, classPath: string) => Promise<void> = async () => {},
): Promise<{ readonly folder: string; readonly classPath: string }> {
  const classPathIn = async (folder: string): Promise<string> => {
    const jars = await readdir(join(folder, 'lib'))
    return jars.map((jar) => join(folder, 'lib', jar)).join(delimiter)
  }
  const folder = await cached(name, async (making) => {
    await mkdir(join(making, 'lib'))
    await writeFile(join(making, 'pom.xml'), pomOf(artifacts))
    const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=lib']
    await execute('mvn', ['-B', '-q', ...copy], { cwd: making, maxBuffer: 2 ** 26 })
    await rm(join(making, 'pom.xml'))
    await more(making, await classPathIn(making))
  })
  return { folder, classPath: await classPathIn(folder) }
}

const pomOf = (artifacts: readonly Artifact[]): string =>
  `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>headwater</groupId><artifactId>server</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
${artifacts.map(dependency).join('\n')}
</dependencies>
</project>
`

const dependency = ({ group, artifact, version, without = [] }: Artifact): string =>
  `<dependency>${coordinates(group, artifact)}<version>${version}</version><exclusions>` +
  `${without.map((name) => `<exclusion>${coordinates(group, name)}</exclusion>`).join('')}</exclusions></dependency>`

const coordinates = (group: string, artifact: string): string =>
  `<groupId>${group}</groupId><artifactId>${artifact}</artifactId>`
