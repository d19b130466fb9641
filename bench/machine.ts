import { arch, cpus, release, totalmem } from "node:os";

/** One line for the head of a table: figures mean nothing without it. */
export function describeMachine(): string {
  const [first] = cpus();
  const gibibytes = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} cores (${first?.model.trim() ?? arch()}), ${gibibytes} GiB, Linux ${release()}, Node ${process.version}`;
}
