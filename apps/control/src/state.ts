import type { autoscaler, control, imageBuilder, nodeAgent } from '@portico/contracts';
import type { EventStream, View } from '@portico/messaging';
import type { Logger } from '@portico/telemetry';
import type { BlobStore } from './adapters/blob-store.ts';
import type { SecretBox } from './adapters/secret-box.ts';
import type { Table } from './adapters/table.ts';
import type { Config } from './config.ts';
import type { Turns } from './in-turn.ts';

/** Everything that control knows; handlers get it whole, since most of them join several tables. */
export interface State {
  readonly config: Config;
  readonly log: Logger;
  readonly environments: Table<control.Environment>;
  readonly apps: Table<control.App>;
  readonly appNames: Table<control.AppName>;
  readonly live: Table<control.LiveApp>;
  readonly deployments: Table<control.Deployment>;
  readonly functions: Table<control.FunctionRecord>;
  readonly definitions: Table<control.Definition>;
  readonly secrets: Table<control.SecretRecord>;
  readonly mounts: Table<control.MountRecord>;
  readonly labels: Table<control.LabelClaim>;
  readonly limits: Table<control.Limit>;
  readonly containers: View<nodeAgent.Container>;
  readonly placements: View<autoscaler.Placement>;
  readonly images: View<imageBuilder.Image>;
  readonly logs: EventStream<nodeAgent.LogBatch>;
  readonly blobs: BlobStore;
  readonly box: SecretBox;
  /** App id to the last sign of life of its client; milliseconds since the epoch. */
  readonly heartbeats: Map<string, number>;
  /** Id of an app that is being deployed for the first time to how many clients do so. */
  readonly clients: Map<string, number>;
  /** What changes which version of an app is in force, or which of many has a name, takes turns. */
  readonly turns: Turns;
  /** Seconds since the epoch. */
  readonly now: () => number;
}
