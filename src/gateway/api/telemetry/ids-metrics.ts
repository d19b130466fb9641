import { Counter, Gauge, type Registry } from "prom-client";
import type { GeneratorCounts, Ids, TagCounts } from "../../../service/ids/index.ts";

type Counts<Name extends string> = Readonly<Record<Name, number>>;

/** What the ids service counts. Labels are names that users choose: the service bounds how many there are. */
export function addIdsMetrics(registry: Registry, ids: Ids): void {
  const { generators, tags, refusals } = ids.meter;
  const ofGenerators = (name: string, help: string, field: keyof GeneratorCounts): void =>
    addCounter(registry, { name: `ashlar_ids_generator_${name}_total`, help, label: "generator", field }, () =>
      generators.entries(),
    );
  ofGenerators("ids", "Ids that this node has made.", "ids");
  ofGenerators("claims", "Worker numbers that this node has taken.", "claims");
  ofGenerators("renewals", "Windows of time that this node has reserved on top of the first one.", "renewals");
  ofGenerators("losses", "Worker numbers of this node that passed on to another holder.", "losses");
  const ofTags = (name: string, help: string, field: keyof TagCounts): void =>
    addCounter(registry, { name: `ashlar_ids_tag_${name}_total`, help, label: "tag", field }, () => tags.entries());
  ofTags("numbers", "Numbers that this node has handed out.", "numbers");
  ofTags("requests", "Requests for numbers.", "requests");
  ofTags("waits", "Requests that found too little in the blocks that are held, and waited for another one.", "waits");
  ofTags("fetches", "Blocks that were fetched.", "fetches");
  new Counter({
    name: "ashlar_ids_refusals_total",
    help: "Requests for ids that were refused, by the error's code.",
    labelNames: ["code"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [code, count] of refusals) this.inc({ code }, count);
    },
  });
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      ...{ name: `ashlar_ids_${name}`, help, registers: [registry] },
      collect() {
        this.set(read());
      },
    });
  };
  gauge("workers_held", "Generators in which this node holds a worker number.", () => {
    return ids.status().generators.filter(({ worker }) => worker !== undefined).length;
  });
  gauge("ahead_seconds", "By which the time of a generator's last ids is ahead of the clock, at most.", () => {
    return ids.status().generators.reduce((most, { aheadMillis }) => Math.max(most, aheadMillis), 0) / 1000;
  });
  gauge("tag_numbers_available", "Numbers of the blocks that are held.", () => {
    return ids.status().tags.reduce((sum, { available }) => sum + available, 0);
  });
  gauge("requests_waiting", "Requests for ids that wait.", () => {
    const status = ids.status();
    return [...status.generators, ...status.tags].reduce((sum, { waiting }) => sum + waiting, 0);
  });
  gauge("troubles", "Generators and tags that gave no ids when they were last asked.", () => {
    return ids.status().troubles.length;
  });
}

interface CounterOf<Name extends string> {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  readonly field: Name;
}

function addCounter<Name extends string>(
  registry: Registry,
  { name, help, label, field }: CounterOf<Name>,
  entries: () => Iterable<readonly [name: string, counts: Counts<Name>]>,
): void {
  new Counter({
    ...{ name, help, labelNames: [label], registers: [registry] },
    collect() {
      this.reset();
      for (const [of, counts] of entries()) this.inc({ [label]: of }, counts[field]);
    },
  });
}
