import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Copy, DockerfileParser, type From } from "dockerfile-ast";

/** What a Dockerfile makes, without a container: a folder in the place of each stage's file system. */
export interface BuiltImage {
  /** Where the last stage's working directory is. */
  readonly dir: string;
  /** The images it stands on. */
  readonly bases: readonly string[];
  /** What it sets in the environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly user: string | undefined;
  readonly ports: readonly string[];
  readonly stopSignal: string | undefined;
  /** Starts what CMD says, or a command in its place, with the environment of the image and this beside. */
  start(env: NodeJS.ProcessEnv, command?: readonly string[]): ChildProcess;
  /** Does what HEALTHCHECK says; answers its exit code. */
  checkHealth(env: NodeJS.ProcessEnv): number | null;
  remove(): void;
}

interface Stage {
  readonly root: string;
  workdir: string;
}

/**
 * Carries out the steps of a Dockerfile, one by one, its base image being this machine: RUN in the working directory of its stage, COPY from the
 * folder it stands in, or from a stage.
 * @throws {Error} a step that fails, or an instruction that is not known here
 */
export function buildImage(context: string, env: NodeJS.ProcessEnv): BuiltImage {
  const dir = mkdtempSync(path.join(tmpdir(), "asynqjs-image-"));
  const stages = new Map<string, Stage>();
  const image = { env: {} as Record<string, string>, bases: [] as string[], user: "", ports: [] as string[], stopSignal: "" };
  let stage: Stage = { root: dir, workdir: "/" };
  let command: readonly string[] = [];
  let healthCommand: readonly string[] = [];
  const at = ({ root, workdir }: Stage, file: string): string => path.join(root, path.resolve(workdir, file));

  for (const instruction of DockerfileParser.parse(readFileSync(path.join(context, "Dockerfile"), "utf8")).getInstructions()) {
    const args = instruction.getArguments().map((argument) => argument.getValue());
    switch (instruction.getKeyword()) {
      case "FROM": {
        const from = instruction as From;
        const name = from.getBuildStage() ?? "the last";
        stage = { root: path.join(dir, name), workdir: "/" };
        mkdirSync(stage.root, { recursive: true });
        stages.set(name, stage);
        image.bases.push(from.getImage()!);
        image.env = {};
        break;
      }
      case "WORKDIR":
        stage.workdir = path.resolve(stage.workdir, args[0]!);
        mkdirSync(at(stage, "."), { recursive: true });
        break;
      case "ENV":
        for (const arg of args) image.env[arg.split("=", 1)[0]!] = arg.slice(arg.indexOf("=") + 1);
        break;
      case "COPY": {
        const copy = instruction as Copy;
        const source = copy.getFromFlag()?.getValue();
        const [target, ...files] = args.filter((arg) => !arg.startsWith("--")).reverse();
        const from = source == null ? context : stages.get(source)!.root;
        for (const pattern of files) {
          const found = globSync(pattern.replace(/^\//, ""), { cwd: from });
          for (const file of found) {
            const to = target!.endsWith("/") ? path.join(at(stage, target!), path.basename(file)) : at(stage, target!);
            cpSync(path.join(from, file), to, { recursive: true, verbatimSymlinks: true });
          }
          if (found.length === 0) throw new Error(`COPY ${pattern}: no such file`);
        }
        break;
      }
      case "RUN": {
        const text = instruction.getRawArgumentsContent()!;
        const { status, stdout, stderr } = spawnSync("sh", ["-ec", text], {
          cwd: at(stage, "."),
          env: { ...env, ...image.env },
          encoding: "utf8",
        });
        if (status !== 0) throw new Error(`RUN ${text}: exit ${status}: ${stdout}${stderr}`);
        break;
      }
      case "USER":
        image.user = args[0]!;
        break;
      case "EXPOSE":
        image.ports.push(...args);
        break;
      case "STOPSIGNAL":
        image.stopSignal = args[0]!;
        break;
      case "CMD":
        command = JSON.parse(instruction.getRawArgumentsContent()!);
        break;
      case "HEALTHCHECK": {
        const [, text] = /\bCMD\s+(\[.*\])\s*$/s.exec(instruction.getRawArgumentsContent()!)!;
        healthCommand = JSON.parse(text!);
        break;
      }
      default:
        throw new Error(`${instruction.getKeyword()} is not known here`);
    }
  }
  const cwd = at(stage, ".");
  return {
    ...image,
    dir: cwd,
    start: (more, [file, ...args] = command) => spawn(file!, args, { cwd, env: { ...env, ...image.env, ...more } }),
    checkHealth: (more) => spawnSync(healthCommand[0]!, healthCommand.slice(1), { cwd, env: { ...env, ...image.env, ...more } }).status,
    remove: () => rmSync(dir, { recursive: true }),
  };
}
