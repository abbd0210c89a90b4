const token = /--[^\n]*|"(?:[^"\\\n]|\\.)*"|[A-Za-z_]\w*|\d[\w.]*|\.\.\.|\.\.|[=~<>]=|[^\s\w"]|\s+/g;
const shortNames = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];

/**
 * The same script in fewer bytes, line by line: without comments and needless space, its locals renamed one to one. Text in double quotes
 * stays as it is; a name after a dot is a field's, and stays.
 * @throws {Error} text it cannot read, or more locals than letters
 */
export function compactLua(lua: string): string {
  const declared = new Set(declaredNames(lua));
  if (declared.size > shortNames.length) throw new Error(`more than ${shortNames.length} locals`);
  const renamed = new Map([...declared].map((name, i) => [name, shortNames[i]!]));
  return lua
    .split("\n")
    .map((line) => compactLine(line, renamed))
    .filter((line) => line !== "")
    .map(shorten)
    .join("\n");
}

/** Keys or arguments from the first on are read in one go; a function of text is called as the text's own. */
function shorten(line: string): string {
  return line
    .replace(/\b(KEYS|ARGV)\[1\](?:,\1\[\d+\])+$/, (values, table) => `unpack(${table},1,${values.split(",").length})`)
    .replaceAll(/\bstring\.(byte|find|gsub|match|sub)\((\w)(?:,|(\)))/g, "$2:$1($3");
}

function compactLine(line: string, renamed: ReadonlyMap<string, string>): string {
  let compact = "";
  let before = "";
  for (const part of tokensOf(line)) {
    if (/^(\s|--)/.test(part)) continue;
    const text = (before !== "." && before !== ":" && renamed.get(part)) || part;
    const needsSpace = /(\w \w|- -|\. \.|\d \.)$/.test(`${compact.slice(-1)} ${text[0]}`);
    compact += (needsSpace ? " " : "") + text;
    before = part;
  }
  return compact;
}

function tokensOf(line: string): string[] {
  const tokens = line.match(token) ?? [];
  if (tokens.join("") !== line) throw new Error(`cannot read the Lua line: ${line}`);
  return tokens;
}

/** What `local`, `for` and the parameters of functions declare, in order. */
function declaredNames(lua: string): string[] {
  const code = lua.replaceAll(/"(?:[^"\\\n]|\\.)*"|--[^\n]*/g, '""');
  const names = String.raw`(\w+(?:\s*,\s*\w+)*)`;
  const lists = [
    ...code.matchAll(/\blocal function (\w+)/g),
    ...code.matchAll(new RegExp(String.raw`\blocal (?!function\b)${names}`, "g")),
    ...code.matchAll(new RegExp(String.raw`\bfor ${names}\s*(?:=|in\b)`, "g")),
    ...code.matchAll(new RegExp(String.raw`\bfunction\b[^(\n]*\(${names}\)`, "g")),
  ];
  return lists.sort((a, b) => a.index - b.index).flatMap(([, list]) => list!.split(/\s*,\s*/));
}
