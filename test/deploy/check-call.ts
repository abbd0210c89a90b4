import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { unstable_readConfig as readConfig } from "wrangler";
import { parse, parseAllDocuments } from "yaml";
import { readRecipe } from "./recipe.ts";
import type { Call } from "./run-readme.ts";

/** The words of a call without the namespace that each of kubectl's begins with. */
export function withoutNamespace(args: readonly string[]): readonly string[] {
  return args[0] === "-n" ? args.slice(2) : args;
}

/** What a call names that there is not: a file, an option, a secret, a unit. Not for `npm`, `curl` and `redis-cli`, which tests ask themselves. */
export function wrongIn({ program, args, cwd }: Call, root: string): string[] {
  const words = withoutNamespace(args);
  const options = words.filter((word) => word.startsWith("-"));
  const wrong: string[] = [];
  const demand = (is: boolean, what: string): void => {
    if (!is) wrong.push(what);
  };
  const fileIs = (file: string): void => demand(existsSync(path.resolve(cwd, file)), `no file ${file}`);
  const optionsAre = (...known: readonly string[]): void => {
    for (const option of options) demand(known.includes(option.split("=")[0]!), `no option ${option}`);
  };
  switch (program) {
    case "npx": {
      const config = words[words.indexOf("--config") + 1]!;
      if (options.includes("--config")) fileIs(config);
      for (const option of options) demand(helpOfWrangler(words[1]!, words[2]!).includes(option), `no option ${option}`);
      if (words[1] === "secret") {
        const { secrets } = readConfig({ config: path.resolve(cwd, config) });
        demand(secrets!.required!.includes(words[3]!), `no secret ${words[3]}`);
      }
      if (words[1] === "tail") {
        const names = globSync("*/wrangler.jsonc", { cwd }).map((file) => readConfig({ config: path.join(cwd, file) }).name);
        demand(names.includes(words[2]), `no Worker ${words[2]}`);
      }
      break;
    }
    case "vercel":
      optionsAre("--prod");
      demand(existsSync(path.join(cwd, "vercel.json")), "no vercel.json here");
      if (words[0] === "env") {
        const code = globSync("api/*.ts", { cwd }).map((file) => readFileSync(path.join(cwd, file), "utf8"));
        demand(code.join("\n").split(/\W/).includes(words[2]!), `no variable ${words[2]}`);
        demand(words[3] === "production", `no environment ${words[3]}`);
      }
      break;
    case "docker":
      if (words[0] === "compose") {
        optionsAre("-d", "--build", "--wait", "-f");
        fileIs("compose.yaml");
        const { services, secrets } = parse(readFileSync(path.join(cwd, "compose.yaml"), "utf8"));
        for (const service of words.slice(2).filter((word) => !word.startsWith("-"))) demand(service in services, `no service ${service}`);
        for (const { file } of Object.values<{ file: string }>(secrets)) fileIs(file);
      } else {
        optionsAre("-t");
        const image = words.find((word) => word.startsWith("registry."))!;
        demand(imagesOfKubernetes.has(image), `no image ${image}`);
        if (words[0] === "build") fileIs(path.join(words.at(-1)!, "Dockerfile"));
      }
      break;
    case "kubectl":
      demand(args[0] !== "-n" || args[1] === "asynqjs", `no namespace ${args[1]}`);
      optionsAre("-f", "--from-file", "--from", "--for");
      for (const word of words) {
        const [, kind, name] = /^(deployment|cronjob)\/(.*)$/.exec(word.replace("--from=", "")) ?? [];
        if (kind !== undefined) demand(inKubernetes(kind, name!), `no ${kind} ${name}`);
        const file = /^--from-file=(.*)$/.exec(word)?.[1];
        if (file !== undefined) {
          fileIs(file);
          demand(kubernetes.includes(`/run/secrets/asynqjs/${path.basename(file)}`), `nobody reads ${path.basename(file)}`);
        }
        const container = /^(\w+)=(registry\..*):[\d.]+$/.exec(word);
        if (container !== null) demand(kubernetes.includes(`- name: ${container[1]}\n`), `no container ${container[1]}`);
        if (container !== null)
          demand(
            [...imagesOfKubernetes].some((image) => image.startsWith(`${container[2]}:`)),
            `no image ${container[2]}`,
          );
      }
      if (words[0] === "apply") fileIs(words[2]!);
      if (words[1] === "namespace") demand(inKubernetes("namespace", words[2]!), `no namespace ${words[2]}`);
      if (words[1] === "secret") demand(kubernetes.includes(`secretName: ${words[3]},`), `no secret ${words[3]}`);
      break;
    case "systemctl":
    case "journalctl":
      optionsAre("--now", "-u", "-n");
      for (const unit of words.filter((word) => word.startsWith("asynqjs-")))
        demand(existsSync(path.join(root, "etc/systemd/system", unit.includes(".") ? unit : `${unit}.service`)), `no unit ${unit}`);
      break;
  }
  return wrong;
}

export const kubernetes: string = readRecipe("kubernetes/asynqjs.yaml");
/** The images that this runs. */
export const imagesOfKubernetes: ReadonlySet<string> = new Set(Array.from(kubernetes.matchAll(/image: (\S+)/g), ([, image]) => image!));

function inKubernetes(kind: string, name: string): boolean {
  return parseAllDocuments(kubernetes)
    .map((document) => document.toJS() as { readonly kind: string; readonly metadata: { readonly name: string } })
    .some((resource) => resource.kind.toLowerCase() === kind && resource.metadata.name === name);
}

const helps = new Map<string, string>();
function helpOfWrangler(...words: readonly string[]): string {
  const key = words.filter((word) => /^[a-z]+$/.test(word)).join(" ");
  if (!helps.has(key)) helps.set(key, spawnSync("wrangler", [...key.split(" "), "--help"], { encoding: "utf8" }).stdout);
  return helps.get(key)!;
}
