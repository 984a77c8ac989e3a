import { z } from 'zod'

const pointer = z.string().regex(/^\/.*$/, 'expected a JSON pointer such as /paging/next')

const param = z.string().min(1).meta({ description: 'The query parameter that says which page is wanted.' })

/** How pages follow one another, as the config says it. */
export const pagingField = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('none').meta({ description: 'One page holds everything.' }),
    }),
    z.strictObject({
      kind: z.literal('page').meta({ description: 'Pages have numbers.' }),
      param,
      first: z.int().min(0).default(1).meta({ description: 'The number of the first page.' }),
      max: z.int().min(1).optional().meta({ description: 'How many pages are read at most.' }),
      totalPages: pointer
        .optional()
        .meta({ description: 'A JSON pointer to the number of pages, where the provider tells it.' }),
    }),
    z.strictObject({
      kind: z.literal('offset').meta({ description: 'Items are counted, from 0.' }),
      param,
      sizeParam: z
        .string()
        .min(1)
        .optional()
        .meta({ description: 'The query parameter that says how many items a page holds.' }),
      size: z.int().min(1).meta({ description: 'How many items a page holds at most.' }),
    }),
    z.strictObject({
      kind: z.literal('cursor').meta({ description: 'Each page names the next one.' }),
      param,
      next: pointer.meta({ description: 'A JSON pointer to the name of the next page.' }),
    }),
    z.strictObject({
      kind: z.literal('next-link').meta({ description: 'Each page links to the next one.' }),
      next: pointer
        .optional()
        .meta({ description: 'A JSON pointer to the link; without it, the header `Link` with `rel=next`.' }),
    }),
  ])
  .default({ kind: 'none' })
  .meta({ description: 'How to get from one page to the next.' })

export type PagingConfig = z.output<typeof pagingField>
