import { parseSync, Visitor } from "oxc-parser";

/**
 * The same program, as esbuild bundled it, with functions and classes that have no name of their own: `var f = (0, (x) => x)` where it was
 * `function f(x)`. A bundler that keeps names, as wrangler does, writes each name that there is a second
 * time, as text. Lines stay where they are. What nobody uses is
 * still left out of a bundle.
 *
 * What needs `this` or `yield` can be no arrow and keeps its name. A function is no longer there before the line it stands on.
 */
export function leaveUnnamed(code: string): string {
  const { program, errors } = parseSync("bundle.js", code);
  if (errors.length > 0) throw new Error(`cannot read the bundle: ${errors[0]!.message}`);
  const edits: { readonly start: number; readonly end: number; readonly text: string }[] = [];
  const replace = (start: number, end: number, text: string): void => void edits.push({ start, end, text });
  const thisAt: number[] = [];
  new Visitor({ ThisExpression: ({ start }) => void thisAt.push(start) }).visit(program);

  new Visitor({
    FunctionDeclaration({ start, end, id, async, generator, body }) {
      if (id === null || body === null || generator || thisAt.some((at) => start < at && at < end)) return;
      replace(start, id.end, `var ${id.name} = (0, ${async ? "async " : ""}`);
      replace(body.start, body.start, "=> ");
      replace(end, end, ");");
    },
    VariableDeclarator({ id, init }) {
      const named =
        init?.type === "ArrowFunctionExpression" || ((init?.type === "FunctionExpression" || init?.type === "ClassExpression") && !init.id);
      if (!named || id.type !== "Identifier") return;
      replace(init.start, init.start, "(0, ");
      replace(init.end, init.end, ")");
    },
  }).visit(program);

  let text = "";
  let at = 0;
  for (const edit of edits.sort((a, b) => a.start - b.start || a.end - b.end)) {
    text += code.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return text + code.slice(at);
}
