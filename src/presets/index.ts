import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { prettifyError, type core } from 'zod'
import { HeadwaterError } from '../errors.ts'
import { amazonReviewsMulti } from './amazon-reviews-multi.ts'
import { apifyAxesso } from './apify-axesso.ts'
import { apifyJunglee } from './apify-junglee.ts'
import { appStore } from './app-store.ts'
import { awsCustomerReviews } from './aws-customer-reviews.ts'
import { bazaarvoice } from './bazaarvoice.ts'
import { brightdata } from './brightdata.ts'
import { canonical } from './canonical.ts'
import { dataforseo } from './dataforseo.ts'
import { finefood } from './finefood.ts'
import { judgeme } from './judgeme.ts'
import { mcauley2014 } from './mcauley-2014.ts'
import { mcauley2018 } from './mcauley-2018.ts'
import { mcauley2023 } from './mcauley-2023.ts'
import { omkar } from './omkar.ts'
import { outscraper } from './outscraper.ts'
import { oxylabs } from './oxylabs.ts'
import { type Preset, type PresetInput, presetSchema } from './preset.ts'
import { rainforest } from './rainforest.ts'
import { rapidapiAmazon } from './rapidapi-amazon.ts'
import { sellerapp } from './sellerapp.ts'
import { trustpilot } from './trustpilot.ts'
import { yotpo } from './yotpo.ts'

/** Every preset that comes along. */
export const presets = {
  canonical,
  rainforest,
  brightdata,
  'apify-junglee': apifyJunglee,
  'apify-axesso': apifyAxesso,
  dataforseo,
  oxylabs,
  outscraper,
  omkar,
  'rapidapi-amazon': rapidapiAmazon,
  sellerapp,
  judgeme,
  yotpo,
  trustpilot,
  bazaarvoice,
  'app-store': appStore,
  'aws-customer-reviews': awsCustomerReviews,
  'amazon-reviews-multi': amazonReviewsMulti,
  finefood,
  'mcauley-2014': mcauley2014,
  'mcauley-2018': mcauley2018,
  'mcauley-2023': mcauley2023,
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
  const issues = result.error.issues.flatMap((issue) => unfolded(issue))
  throw new HeadwaterError('CONFIG_INVALID', `preset ${path}:\n${prettifyError({ issues })}`)
}

/** Where one thing or a list of them may stand, what is wrong with the one that was written. */
function unfolded(issue: core.$ZodIssue, above: readonly PropertyKey[] = []): core.$ZodIssue[] {
  const path = [...above, ...issue.path]
  const branch =
    issue.code === 'invalid_union'
      ? issue.errors.find((issues) =>
          issues.every((one) => one.code !== 'invalid_type' || one.path.length > 0),
        )
      : undefined
  return branch === undefined ? [{ ...issue, path }] : branch.flatMap((one) => unfolded(one, path))
}
