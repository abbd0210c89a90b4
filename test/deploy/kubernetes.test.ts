import { symlinkSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Deployment } from "kubernetes-models/apps/v1";
import { CronJob } from "kubernetes-models/batch/v1";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { Namespace, type PodSpec, Service, ServiceAccount } from "kubernetes-models/v1";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { newProject } from "../pack/project-test.ts";
import { readRecipe } from "./recipe.ts";

const models = { CronJob, Deployment, Namespace, NetworkPolicy, PodDisruptionBudget, Service, ServiceAccount };

interface Manifest {
  readonly apiVersion: string;
  readonly kind: keyof typeof models;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
}

type Labels = Readonly<Record<string, string>>;

const manifests = parseAllDocuments(readRecipe("kubernetes/asynqjs.yaml")).map((document) => document.toJS() as Manifest);
const readme = readRecipe("kubernetes/README.md");

/** A manifest of a kind, as its model. */
function the<K extends keyof typeof models>(kind: K, name: string): InstanceType<(typeof models)[K]> {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  return new models[kind](found as never) as InstanceType<(typeof models)[K]>;
}

/** Each pod that is made, by its component. */
const pods: Readonly<Record<string, { readonly spec: PodSpec; readonly labels: Labels }>> = {
  worker: podOf(the("Deployment", "worker").spec!.template),
  gateway: podOf(the("Deployment", "gateway").spec!.template),
  cron: podOf(the("CronJob", "cron").spec!.jobTemplate.spec!.template),
};

function podOf({ spec, metadata }: { readonly spec?: unknown; readonly metadata?: { readonly labels?: Labels } }) {
  return { spec: spec as PodSpec, labels: metadata!.labels! };
}

describe("deploy/kubernetes/asynqjs.yaml", () => {
  test.each(manifests.map((manifest) => [manifest.kind, manifest.metadata.name, manifest] as const))(
    "%s %s is what the schema of Kubernetes describes, and in its namespace",
    (kind, _, manifest) => {
      const Model = models[kind];
      expect(manifest.apiVersion).toBe(Model.apiVersion);
      new Model(manifest as never).validate();
      if (kind !== "Namespace") expect(manifest.metadata.namespace).toBe("asynqjs");
    },
  );

  test("has no field that Kubernetes does not have", () => {
    const project = newProject();
    const folders = { CronJob: "batch/v1", Deployment: "apps/v1", NetworkPolicy: "networking.k8s.io/v1", PodDisruptionBudget: "policy/v1" };
    const typed = ({ kind }: Manifest, json: string): string => {
      const folder = kind in folders ? folders[kind as keyof typeof folders] : "v1";
      return `import("kubernetes-models/${folder}").I${kind} = ${json};`;
    };
    const constants = manifests.map((manifest, i) => `export const m${i}: ${typed(manifest, JSON.stringify(manifest))}`);
    const wrong = typed(manifests[2]!, JSON.stringify(manifests[2]).replace('"periodSeconds"', '"periodSecond"'));
    project.write("manifests.ts", constants.join("\n"));
    project.write("wrong.ts", `export const wrong: ${wrong}`);
    const models = fileURLToPath(new URL("../node_modules/kubernetes-models", import.meta.url));
    symlinkSync(path.dirname(models), path.join(project.dir, "node_modules"));

    const said = project.compile({ lib: ["ES2023"], noEmit: true, skipLibCheck: true }, "manifests.ts", "wrong.ts");

    expect(said.match(/^\S+: error/gm)).toHaveLength(1);
    expect(said).toMatch(/^wrong\.ts.*periodSecond/m);
    project.remove();
  }, 60_000);

  test.each(Object.entries(pods))(
    "%s runs as the restricted standard of pods wants it, its secrets in files",
    (component, { spec, labels }) => {
      expect(labels["app.kubernetes.io/component"]).toBe(component);
      expect(spec).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
        volumes: [{ name: "secrets", secret: { secretName: `asynqjs-${component}` } }],
      });
      for (const { securityContext, resources, env = [] } of spec.containers) {
        expect(securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } });
        expect(resources).toMatchObject({
          requests: { cpu: expect.any(String), memory: expect.any(String) },
          limits: { memory: expect.any(String) },
        });
        for (const { name } of env)
          expect(readRecipe(`container/${component}/${component === "worker" ? "worker.js" : "Dockerfile"}`)).toContain(name);
      }
      expect(readme).toContain(`create secret generic asynqjs-${component}`);
    },
  );

  test("probes ask what the programs of deploy/container answer, at their ports", () => {
    const [worker] = pods.worker!.spec.containers;
    const program = readRecipe("container/worker/health.js");
    for (const probe of [worker!.startupProbe, worker!.livenessProbe, worker!.readinessProbe]) {
      expect(program).toContain(`"${probe!.httpGet!.path}"`);
      expect(probe!.httpGet!.port).toBe("health");
    }
    expect(worker!.livenessProbe!.httpGet!.path).toBe("/livez");
    expect(worker!.ports).toEqual([{ name: "health", containerPort: 8080 }]);
    const [gateway] = pods.gateway!.spec.containers;
    expect(gateway!.readinessProbe!.httpGet).toEqual({ path: "/health", port: "http" });
    expect(gateway!.ports).toEqual([{ name: "http", containerPort: 8079 }]);
  });

  test("there is time to drain between the end that is asked for and the one that is made", () => {
    expect(pods.worker!.spec.terminationGracePeriodSeconds).toBeGreaterThan(30 + 8);
    const { terminationGracePeriodSeconds, containers } = pods.gateway!.spec;
    const [, seconds] = containers[0]!.lifecycle!.preStop!.exec!.command!;
    expect(terminationGracePeriodSeconds).toBeGreaterThan(Number(seconds) + 10);
  });

  test("selectors and policies find pods that there are, and each pod is in the policy that denies", () => {
    const selectors = [
      ...["worker", "gateway"].map((name) => the("Deployment", name).spec!.selector.matchLabels!),
      the("Service", "gateway").spec!.selector!,
      the("PodDisruptionBudget", "worker").spec!.selector!.matchLabels!,
      ...["worker-to-the-world", "ingress-to-gateway", "prometheus-to-worker"].map(
        (name) => the("NetworkPolicy", name).spec!.podSelector!.matchLabels!,
      ),
    ];
    for (const selector of selectors)
      expect(
        Object.values(pods).filter(({ labels }) => Object.entries(selector).every(([name, value]) => labels[name] === value)),
        JSON.stringify(selector),
      ).toHaveLength(1);
    expect(the("NetworkPolicy", "default-deny").spec).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
  });

  test("the CronJob runs the command that compose runs, once, within its minute", () => {
    const { schedule, concurrencyPolicy, jobTemplate } = the("CronJob", "cron").spec!;
    expect([schedule, concurrencyPolicy]).toEqual(["* * * * *", "Forbid"]);
    const [, , text] = pods.cron!.spec.containers[0]!.command!;
    expect(text).toMatch(/exec node_modules\/\.bin\/asynqjs-cron --budget-ms 50000$/);
    expect(jobTemplate.spec!.activeDeadlineSeconds).toBeGreaterThan(50);
  });
});
