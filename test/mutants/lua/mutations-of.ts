/**
 * What may be changed in a piece of Lua: each change is small, and a programmer's slip. None is made that says the same in other words, such as
 * a negated condition beside the same one held true and held false.
 * @module
 */
import { type Chunk, type Expression, type Node, parse, type Statement } from "luaparse";
import { callMutations } from "./call-mutations.ts";
import { type Mutation, rangeOf, withoutOne } from "./mutation.ts";

/** What stands in the place of an operator: its neighbours. */
const operators: Readonly<Record<string, readonly string[]>> = {
  "==": ["~="],
  "~=": ["=="],
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  and: ["or"],
  or: ["and"],
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["/"],
  "..": [],
};

/** What a string becomes that would be the same, or refused, were it empty. */
const otherStrings: Readonly<Record<string, string>> = { '""': '"?"', '"-inf"': '"+inf"' };

const arithmetic: ReadonlySet<string> = new Set(["+", "-", "*", "/", "%"]);

/** All mutations of a piece of Lua, in the order of the text. @throws {SyntaxError} it is no Lua */
export function mutationsOf(lua: string): Mutation[] {
  const found: Mutation[] = [];
  // Another command is a mutation of the call.
  const commandNames = new Set<Node>();
  const coerced = new Set<Node>();
  // In a text the place 0 is the first.
  const places = new Set<Node>();
  const text = (node: Node): string => lua.slice(...rangeOf(node));
  const replace = (node: Node, by: string): void => {
    const [start, end] = rangeOf(node);
    found.push({ start, end, text: by });
  };

  // The only one of a branch or loop is left out with all of it.
  const statements = (body: readonly Statement[], whole = false): void => {
    if (body.length > 1 || !whole) for (const statement of body) replace(statement, "");
  };
  const condition = (node: Expression, ...values: readonly ("true" | "false")[]): void => {
    for (const value of values) replace(node, value);
  };
  const operator = ({ left, right }: { readonly left: Expression; readonly right: Expression }, name: string): void => {
    const [, leftEnd] = rangeOf(left);
    const start = leftEnd + lua.slice(leftEnd, rangeOf(right)[0]).indexOf(name);
    for (const other of operators[name]!) found.push({ start, end: start + name.length, text: other });
  };

  walk(parseScript(lua), (node) => {
    switch (node.type) {
      case "Chunk":
      case "FunctionDeclaration":
        return statements(node.body);
      case "ForNumericStatement":
      case "ForGenericStatement":
        return statements(node.body, true);
      case "IfStatement":
        // Where nothing else is said, a condition that never holds is the statement left out.
        for (const clause of node.clauses) {
          if ("condition" in clause) condition(clause.condition, "true", ...(node.clauses.length > 1 ? (["false"] as const) : []));
          statements(clause.body, node.clauses.length === 1);
        }
        return;
      case "WhileStatement":
        condition(node.condition, "true");
        return statements(node.body);
      case "RepeatStatement":
        condition(node.condition, "true", "false");
        return statements(node.body);
      case "LogicalExpression":
        for (const kept of [node.left, node.right]) replace(node, "operator" in kept ? `(${text(kept)})` : text(kept));
        return operator(node, node.operator);
      case "BinaryExpression":
        // In a sum Lua makes a number of a text by itself.
        if (arithmetic.has(node.operator)) for (const side of [node.left, node.right]) coerced.add(side);
        return operator(node, node.operator);
      case "UnaryExpression":
        if (node.operator !== "#") replace(node, text(node).slice(node.operator.length).trimStart());
        return;
      case "BooleanLiteral":
        return replace(node, node.value ? "false" : "true");
      case "NumericLiteral":
        if (!Number.isSafeInteger(node.value)) return;
        replace(node, String(node.value + 1));
        if (node.value > (places.has(node) ? 1 : 0)) replace(node, String(node.value - 1));
        return;
      case "StringLiteral":
        if (!commandNames.has(node)) replace(node, otherStrings[node.raw] ?? '""');
        return;
      case "TableConstructorExpression":
        return void found.push(...withoutOne(node.fields));
      case "CallExpression":
        if (text(node.base).startsWith("redis.")) commandNames.add(node.arguments[0]!);
        if (text(node.base) === "string.sub") places.add(node.arguments[1]!);
        if (text(node.base) === "string.find" && node.arguments.length > 2) places.add(node.arguments[2]!);
        return void found.push(...callMutations(node, lua, coerced.has(node)));
    }
  });
  return unique(found, lua);
}

/** Parses a piece of a script. Its loop over items, which is no Lua before it is linked, is read as one that is as long. @throws {SyntaxError} */
export function parseScript(lua: string): Chunk {
  const readable = lua.replaceAll(/for_each_item\(([^)]*)\) do/g, "for       $1 in f do");
  return parse(readable, { luaVersion: "5.1", ranges: true, comments: false });
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const child of Object.values(node).flat()) {
    if (typeof child === "object" && child !== null && "type" in child) walk(child as Node, visit);
  }
}

/** The first of those that make the same text, in the order of the text. */
function unique(mutations: readonly Mutation[], lua: string): Mutation[] {
  const byText = new Map<string, Mutation>();
  for (const mutation of mutations) {
    const text = lua.slice(0, mutation.start) + mutation.text + lua.slice(mutation.end);
    if (text !== lua && !byText.has(text)) byText.set(text, mutation);
  }
  return [...byText.values()].sort((a, b) => a.start - b.start || a.end - b.end);
}
