/** Whether a name has one of the parts that the command line asks for; no parts choose everything. */
export function isChosen(name: string, parts: readonly string[]): boolean {
  return parts.length === 0 || parts.some((part) => name.toLowerCase().includes(part.toLowerCase()));
}
