import { type File, Instrumenter } from "@stryker-mutator/instrumenter";
import { modules, textOf } from "./modules.ts";

/** One small change of a module. */
export interface Mutant {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  /** What Stryker calls this kind of change. */
  readonly mutator: string;
  /** The line it begins in; `…` where what it changes goes on below. */
  readonly before: string;
  readonly after: string;
}

export interface Instrumented {
  readonly mutants: readonly Mutant[];
  /** By file: its code with all its mutants in it, of which `__stryker__.activeMutant` names the one that holds. */
  readonly code: Readonly<Record<string, string>>;
}

type Logger = ConstructorParameters<typeof Instrumenter>[0];
type Ignorer = Parameters<Instrumenter["instrument"]>[1]["ignorers"][number];

const nothing = (): void => {};
const logger = { trace: nothing, debug: nothing, info: nothing, warn: console.warn, error: console.error, fatal: console.error };
const silent = { ...logger, isDebugEnabled: () => false } as unknown as Logger;

interface Place {
  readonly key: string | number | null;
  readonly parentPath: Place | null;
  readonly node: { readonly type: string; readonly key?: { readonly name?: string }; readonly callee?: { readonly name?: string } };
}

/** What a script is declared with stands in its Lua too, which has a mutator of its own. */
const lua: Ignorer = {
  shouldIgnore: (path) => {
    const { node, parentPath } = path as Place;
    const isDeclared = node.type === "ObjectProperty" && /^(name|keys|args|each|eachKeys|lua)$/.test(node.key?.name ?? "");
    if (isDeclared && parentPath?.parentPath?.node.callee?.name === "defineScript") return "declares a script";
    const { leadingComments = [] } = node as { readonly leadingComments?: readonly { readonly value: string }[] | null } & object;
    return node.type === "TemplateLiteral" && leadingComments?.some(({ value }) => value.trim() === "lua") ? "Lua" : undefined;
  },
};

/** Puts all mutants of Stryker's into the modules, the ids in order. */
export async function instrument(): Promise<Instrumented> {
  const source: Record<string, string> = {};
  for (const file of modules) source[file] = textOf(file);
  const files: File[] = modules.map((name) => ({ name, mutate: true, content: source[name]! }));
  const done = await new Instrumenter(silent).instrument(files, { plugins: null, excludedMutations: [], ignorers: [lua] });
  return {
    mutants: done.mutants
      .filter(({ status }) => status === undefined)
      .map(({ id, fileName, mutatorName, replacement, location: { start, end } }) => ({
        id,
        file: fileName,
        line: start.line + 1,
        mutator: mutatorName,
        ...linesOf(source[fileName]!, start, end, replacement),
      })),
    code: Object.fromEntries(done.files.map(({ name, content }) => [name, content])),
  };
}

interface Position {
  readonly line: number;
  readonly column: number;
}

function linesOf(source: string, start: Position, end: Position, text: string): Pick<Mutant, "before" | "after"> {
  const lines = source.split("\n");
  const first = lines[start.line]!;
  const isOne = start.line === end.line;
  const after = first.slice(0, start.column) + text.replaceAll(/\s+/g, " ") + (isOne ? first.slice(end.column) : "");
  return { before: first.trim() + (isOne ? "" : " …"), after: after.trim() };
}
