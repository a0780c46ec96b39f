// Metrics as data: families of gauges. Names follow Prometheus: prefix `dflow_`, base units (seconds, bytes).
// Labels are names of the configuration, states and hosts; never a run, a pass or a file.

/** One value of a metric. */
interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric with its values: a gauge of Prometheus. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** One value without labels. */
export function single(name: string, help: string, value: number): Family {
  return { name, help, samples: [{ labels: {}, value }] };
}

/** One sample for each item; those without a value are left out. */
export function family<T>(
  name: string,
  help: string,
  items: readonly T[],
  sample: (item: T) => readonly [Readonly<Record<string, string>>, number | undefined],
): Family {
  const samples = items.flatMap((item): Sample[] => {
    const [labels, value] = sample(item);
    return value === undefined || !Number.isFinite(value) ? [] : [{ labels, value }];
  });
  return { name, help, samples };
}

/** Values by the name of one label. */
export function byLabel(name: string, help: string, label: string, values: Readonly<Record<string, number>>): Family {
  return family(name, help, Object.entries(values), ([word, value]) => [{ [label]: word }, value]);
}
