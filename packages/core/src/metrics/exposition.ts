/**
 * Metrics as the text that Prometheus reads. Serve it as `text/plain; version=0.0.4`.
 * @module
 */
import type { HistogramSeries } from "./histogram.ts";

type Labels = Readonly<Record<string, string>>;

/** One metric and its samples. */
export type Metric = { readonly name: string; readonly help: string } & (
  | { readonly type: "counter" | "gauge"; readonly samples: readonly { readonly labels?: Labels; readonly value: number }[] }
  | { readonly type: "histogram"; readonly samples: readonly HistogramSeries[] }
);

/** The `Content-Type` of what `renderMetrics` answers. */
export const metricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/** Renders metrics in Prometheus' text format; a metric without samples is left out. */
export function renderMetrics(metrics: readonly Metric[]): string {
  const text = metrics
    .filter(({ samples }) => samples.length > 0)
    .flatMap((metric) => [`# HELP ${metric.name} ${escapeHelp(metric.help)}`, `# TYPE ${metric.name} ${metric.type}`, ...lines(metric)]);
  return text.map((row) => `${row}\n`).join("");
}

function lines(metric: Metric): string[] {
  const { name } = metric;
  if (metric.type !== "histogram") return metric.samples.map(({ labels = {}, value }) => line(name, labels, value));
  return metric.samples.flatMap(({ labels, bounds, counts, count, sum }) => {
    let below = 0;
    return [
      ...bounds.map((bound, i) => {
        below += counts[i]!;
        return line(`${name}_bucket`, { ...labels, le: String(bound) }, below);
      }),
      line(`${name}_bucket`, { ...labels, le: "+Inf" }, count),
      line(`${name}_sum`, labels, sum),
      line(`${name}_count`, labels, count),
    ];
  });
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}`;
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
