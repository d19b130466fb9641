// What the client takes from Node where it runs there. Nothing is imported, so that a browser loads the same files.

interface NodeProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  getBuiltinModule?(name: string): unknown;
}

const { process: nodeProcess } = globalThis as unknown as { readonly process?: NodeProcess };

/** Empty in a browser. */
export const environment: Readonly<Record<string, string | undefined>> = nodeProcess?.env ?? {};

export function nodeModule<T>(name: string): T | undefined {
  return nodeProcess?.getBuiltinModule?.(name) as T | undefined;
}
