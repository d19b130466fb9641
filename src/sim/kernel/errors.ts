import { type AshlarError, failures } from "../../std/errors.ts";

export const SIM_ERRORS = {
  FAULTS_INVALID: {
    what: "The choice of faults was not understood.",
    advice: "Give numbers of the schedule with commas between them, each with :MILLIS for another length; or none.",
  },
  BUG_UNKNOWN: {
    what: "The workload has no seeded bug of that name.",
    advice: "Choose one of those that are listed.",
  },
  WORKLOAD_INVALID: {
    what: "The workload contradicts itself.",
    advice: "Correct its value: the fields of Workload say what they take.",
  },
} as const;

export type SimErrorCode = keyof typeof SIM_ERRORS;
export type SimError = AshlarError<SimErrorCode>;

export const simFailure: ReturnType<typeof failures<typeof SIM_ERRORS>> = failures(SIM_ERRORS);
