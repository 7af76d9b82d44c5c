/** Why an app may not use these names; empty when it names none. */
export function refusalOf(names: readonly string[]): string {
  if (names.length === 0) return '';
  return `Custom domains (${names.join(', ')}) are not served by Portico yet: remove custom_domains and use the URL that the deploy prints.`;
}
