// A server that is measured: started for the run, on free ports, with a folder of its own.

export interface PeerKind {
  readonly name: string;
  /** With an empty folder. Rejects with NotRun where it can not be had on this machine. */
  readonly start: () => Promise<RunningPeer>;
}

export interface RunningPeer extends AsyncDisposable {
  readonly version: string;
  /** What a success means when the power goes. */
  readonly durability: string;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Each with all processes under it. */
  readonly pids: readonly number[];
}
