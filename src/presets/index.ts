import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { prettifyError } from 'zod'
import { HeadwaterError } from '../errors.ts'
import { apifyAxesso } from './apify-axesso.ts'
import { apifyJunglee } from './apify-junglee.ts'
import { awsCustomerReviews } from './aws-customer-reviews.ts'
import { bazaarvoice } from './bazaarvoice.ts'
import { brightdata } from './brightdata.ts'
import { canonical } from './canonical.ts'
import { finefood } from './finefood.ts'
import { mcauley2018 } from './mcauley-2018.ts'
import { mcauley2023 } from './mcauley-2023.ts'
import { type Preset, type PresetInput, presetSchema } from './preset.ts'
import { rainforest } from './rainforest.ts'

/** Every preset that comes along. */
export const presets = {
  canonical,
  rainforest,
  brightdata,
  'apify-junglee': apifyJunglee,
  'apify-axesso': apifyAxesso,
  bazaarvoice,
  finefood,
  'mcauley-2018': mcauley2018,
  'mcauley-2023': mcauley2023,
  'aws-customer-reviews': awsCustomerReviews,
} as const satisfies Record<string, PresetInput>

/** A preset by its name, or a user's own by the path of its YAML file (anything with a slash or a dot in it). */
export async function loadPreset(name: string): Promise<Preset> {
  if (Object.hasOwn(presets, name)) return presetSchema.parse(presets[name as keyof typeof presets])
  if (!/[/.]/.test(name)) {
    const known = Object.keys(presets).join(', ')
    throw new HeadwaterError(
      'CONFIG_INVALID',
      `preset: expected one of ${known}, or the path of a YAML file, found "${name}"`,
    )
  }
  const text = await readFile(name, 'utf8').catch((cause: unknown) => {
    throw new HeadwaterError('CONFIG_INVALID', `preset: cannot read ${name}`, { cause })
  })
  return readPreset(text, name)
}

function readPreset(text: string, path: string): Preset {
  let value: unknown
  try {
    value = parse(text, { maxAliasCount: 100 })
  } catch (cause) {
    throw new HeadwaterError('CONFIG_INVALID', `preset ${path}: not YAML: ${(cause as Error).message}`, {
      cause,
    })
  }
  const result = presetSchema.safeParse(value)
  if (result.success) return result.data
  throw new HeadwaterError('CONFIG_INVALID', `preset ${path}:\n${prettifyError(result.error)}`)
}
