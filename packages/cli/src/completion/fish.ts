import type { CompletionTree, Flags } from "./completion-tree.ts";

/** What fish is told: `asynqjs completion fish | source`. */
export function fishCompletion({ places, everywhere }: CompletionTree): string {
  const moves = places.flatMap(({ path, commands }) =>
    commands.map((entry) => `      case ${quote(`${path} ${entry.word}`)}\n        set at ${quote(entry.path)}`),
  );
  const takesValue = [
    ...places.flatMap(({ path, values }) => values.map(({ flag }) => quote(`${path} ${flag}`))),
    ...everywhere.values.map(({ flag }) => quote(`* ${flag}`)),
  ];
  const flagsAt = (here: string, { flags, values }: Flags): string[] =>
    flags.map(({ word, about }) => {
      const value = values.find(({ flag }) => flag === word);
      const name = word.startsWith("--") ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
      const choices = value !== undefined && value.choices.length > 0 ? ` -a ${quote(value.choices.join(" "))}` : "";
      const takes = value === undefined ? "" : value.isFile ? " -r -F" : ` -x${choices}`;
      return `${here} ${name}${takes} -d ${quote(about)}`;
    });
  const lines = places.flatMap((place) => {
    const here = `complete -c asynqjs -n ${quote(`test (__asynqjs_at) = ${quote(place.path)}`)}`;
    return [
      ...place.commands.map(({ word, about }) => `${here} -a ${quote(word)} -d ${quote(about)}`),
      ...place.args.map((word) => `${here} -a ${quote(word)}`),
      ...flagsAt(here, place),
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
${[...lines, ...flagsAt("complete -c asynqjs", everywhere)].join("\n")}
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
