// Families of metrics as OpenMetrics text, which node_exporter's textfile collector reads, too.
import type { Family } from '../flow/reports/metrics/family.ts';

/** The text of all families that have a sample. */
export async function metricsText(families: readonly Family[]): Promise<string> {
  const { Gauge, Registry } = (await import('prom-client')).default;
  const registry = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  for (const { name, help, samples } of families) {
    if (samples.length === 0) continue;
    const labelNames = [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))];
    const gauge = new Gauge({ name, help, labelNames, registers: [registry] });
    for (const { labels, value } of samples) gauge.set(labels, value);
  }
  return registry.metrics();
}
