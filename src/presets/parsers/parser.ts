/**
 * Reads one value of one field: `token` tells its exact JSON text, `item` is the whole review around it. What a parser can't
 * read it hands back as it is, and the schema then says what is wrong with it: nothing is guessed.
 */
export type Parser = (value: unknown, token: () => string, item?: unknown) => unknown
