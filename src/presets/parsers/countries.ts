import type { Parser } from './parser.ts'

/** The countries of Amazon's shops, as the shops in other languages call them where they say where a review was written. */
const COUNTRIES: readonly (readonly [code: string, names: string])[] = [
  ['ae', 'united arab emirates'],
  ['au', 'australia|australien|australie|australië|austrália|avustralya|オーストラリア'],
  ['be', 'belgium|belgien|belgique|bélgica|belgio|belgië|belçika|ベルギー'],
  ['br', 'brazil|brasilien|brésil|brasil|brasile|brazilië|brezilya|ブラジル'],
  ['ca', 'canada|kanada|canadá|カナダ'],
  ['cn', 'china|chine|cina|中国'],
  [
    'de',
    'germany|deutschland|allemagne|alemania|germania|duitsland|alemanha|almanya|tyskland|niemczech|ドイツ',
  ],
  ['eg', 'egypt'],
  ['es', 'spain|spanien|espagne|españa|spagna|spanje|espanha|ispanya|hiszpanii|スペイン'],
  ['fr', 'france|frankreich|francia|frankrijk|frança|fransa|frankrike|francji|フランス'],
  [
    'gb',
    'united kingdom|vereinigtes königreich|vereinigten königreich|royaume-uni|reino unido|regno unito|verenigd koninkrijk|storbritannien|wielkiej brytanii|イギリス|英国',
  ],
  ['ie', 'ireland|irland|irlande|irlanda|ierland'],
  ['in', 'india|indien|inde|インド'],
  ['it', 'italy|italien|italie|italia|italië|itália|włoszech|イタリア'],
  ['jp', 'japan|japon|japón|giappone|japão|japonya|日本'],
  ['mx', 'mexico|mexiko|mexique|méxico|messico|meksika|メキシコ'],
  [
    'nl',
    'netherlands|niederlande|niederlanden|pays-bas|países bajos|paesi bassi|nederland|países baixos|hollanda|nederländerna|オランダ',
  ],
  ['pl', 'poland|polen|pologne|polonia|polônia|polonya|polska|polsce|polski|ポーランド'],
  ['sa', 'saudi arabia'],
  ['se', 'sweden|schweden|suède|suecia|svezia|zweden|suécia|isveç|sverige|szwecji|スウェーデン'],
  ['sg', 'singapore|singapur|singapour|singapura|シンガポール'],
  ['tr', 'turkey|türkiye|türkei|turquie|turquía|turchia|turkije|turquia|トルコ'],
  [
    'us',
    'united states|united states of america|usa|vereinigte staaten|vereinigten staaten|états-unis|estados unidos|stati uniti|verenigde staten|abd|stanach zjednoczonych|アメリカ合衆国|アメリカ|米国',
  ],
  ['za', 'south africa'],
]

const CODES = new Map(
  COUNTRIES.flatMap(([code, names]) => names.split('|').map((name) => [name, code] as const)),
)
const NAMES = [...CODES.keys()].toSorted((a, b) => b.length - a.length).join('|')
const NAME = new RegExp(`(?<!\\p{L})(?:${NAMES})(?!\\p{L})`, 'gu')
const FLAG = /[\u{1f1e6}-\u{1f1ff}]{2}/u
const IN_JAPANESE = /に(.+?)でレビュー/

/**
 * A country as its two letters: of "Japan", "US", or of a sentence with a date such as "Reviewed in Japan on 3 May 2021" or
 * "Beoordeeld in Nederland 🇳🇱 op 20 juni 2023". A sentence that names none, or two, says nothing; another name stays.
 */
export const country: Parser = (value) => {
  if (typeof value !== 'string' || value.length > MAX_SENTENCE) return value
  const flag = FLAG.exec(value)?.[0]
  if (flag !== undefined) return Array.from(flag, letterOf).join('')
  const text = value.normalize('NFC').replaceAll(/\s+/g, ' ').trim().toLowerCase()
  if (/^[a-z]{2}$/.test(text)) return text === 'uk' ? 'gb' : text
  const named = CODES.get(text.replace(/^the /, ''))
  if (named !== undefined || !/\d/.test(text)) return named ?? value
  const inJapanese = IN_JAPANESE.exec(text)?.[1]
  if (inJapanese !== undefined) return CODES.get(inJapanese)
  const codes = new Set(text.match(NAME)?.map((name) => CODES.get(name)))
  return codes.size === 1 ? [...codes][0] : undefined
}

/** Longer than any sentence about a country. */
const MAX_SENTENCE = 1_000

/** Of one half of a flag, which is a letter with a frame. */
const letterOf = (half: string): string => String.fromCharCode((half.codePointAt(0) ?? 0) - 0x1f1e6 + 0x61)
