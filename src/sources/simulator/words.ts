import type { Language, List, Share, Stars } from './language.ts'
import { english } from './languages/english.ts'
import { french } from './languages/french.ts'
import { german } from './languages/german.ts'
import { japanese } from './languages/japanese.ts'
import { spanish } from './languages/spanish.ts'

/** Most people write English. */
export const languages: List<Share<Language>> = [
  [english, 0.86],
  [german, 0.05],
  [french, 0.03],
  [spanish, 0.03],
  [japanese, 0.03],
]

/** Signs that people add, by stars. */
export const emoji: Readonly<Record<Stars, List>> = {
  1: ['😡', '🤬', '👎', '💔'],
  2: ['😞', '🙄', '😕'],
  3: ['🤷', '😐', '🤔'],
  4: ['🙂', '👍', '😊'],
  5: ['😍', '🎉', '👍🏽', '❤️', '⭐⭐⭐⭐⭐', '👨‍👩‍👧‍👦'],
}

/** Brands that don't exist. */
export const brands: List = [
  'Belvora',
  'Quillon',
  'Tamsin & Roe',
  'Verrado',
  'Lumeka',
  'Brackwell',
  'Oskari',
  'Pellam',
  'Würfelhaus',
  'Nimbeq',
]

/** What they sell. */
export const things: List = [
  'kettle',
  'backpack',
  'desk lamp',
  'speaker',
  'blender',
  'keyboard',
  'tent',
  'water bottle',
  'yoga mat',
  'coffee grinder',
  'umbrella',
  'toaster',
  'bike light',
  'pillow',
]

/** Who buys it. */
export const firstNames: List = [
  'Marta',
  'Jonas',
  'Priya',
  'Elif',
  'Tomás',
  'Aiko',
  'Noor',
  'Grzegorz',
  'Chidi',
  'Ingrid',
  'Mateo',
  'Zoë',
  'Håkon',
  'Lucía',
  'Dmitri',
  'Renée',
  'Kofi',
  'Sunita',
  'Björn',
  'Yuki',
  'Amara',
  'Pavel',
  'Siobhán',
  'Wei',
]
