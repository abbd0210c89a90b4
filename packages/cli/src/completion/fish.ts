import type { Place } from "./completion-tree.ts";

/** What fish is told: `asynqjs completion fish | source`. */
export function fishCompletion(places: readonly Place[]): string {
  const moves = places.flatMap(({ path, commands }) =>
    commands.map((entry) => `      case ${quote(`${path} ${entry.word}`)}\n        set at ${quote(entry.path)}`),
  );
  const takesValue = places.flatMap(({ path, values }) => values.map(({ flag }) => quote(`${path} ${flag}`)));
  const lines = places.flatMap(({ path, commands, args, flags, values }) => {
    const here = `complete -c asynqjs -n ${quote(`test (__asynqjs_at) = ${quote(path)}`)}`;
    return [
      ...commands.map(({ word, about }) => `${here} -a ${quote(word)} -d ${quote(about)}`),
      ...args.map((word) => `${here} -a ${quote(word)}`),
      ...flags.map(({ word, about }) => {
        const value = values.find(({ flag }) => flag === word);
        const name = word.startsWith("--") ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
        const takes =
          value === undefined
            ? ""
            : value.isFile
              ? " -r -F"
              : ` -x${value.choices.length > 0 ? ` -a ${quote(value.choices.join(" "))}` : ""}`;
        return `${here} ${name}${takes} -d ${quote(about)}`;
      }),
    ];
  });
  return `# Completion of asynqjs for fish. Now: asynqjs completion fish | source
# For every shell: asynqjs completion fish > ~/.config/fish/completions/asynqjs.fish
function __asynqjs_at
  set -l at asynqjs
  set -l skip 0
  for word in (commandline -opc)[2..]
    if test $skip = 1
      set skip 0
      continue
    end
    switch "$at $word"
${moves.join("\n")}
      case ${takesValue.join(" ")}
        set skip 1
    end
  end
  echo $at
end
complete -c asynqjs -f
${lines.join("\n")}
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
