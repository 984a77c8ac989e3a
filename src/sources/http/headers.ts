/** The headers of an answer, by their names in lower case. Any of them may have been sent several times. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>

/** The first value of a header of which there should be one. */
export const first = (value: Headers[string]): string | undefined => (Array.isArray(value) ? value[0] : value)

/** All values of a header, as the one line that they stand for. */
export const joined = (value: Headers[string]): string => [value ?? []].flat().join(', ')
