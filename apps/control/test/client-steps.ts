import { modal } from '@portico/modal-protocol';
import type { ControlOnNats } from './control-on-nats.ts';

/** What a client deploys: functions by name, with what is not said otherwise of a small web function. */
export interface Wanted {
  readonly name: string;
  readonly functions: Readonly<Record<string, Partial<modal.FunctionMessage>>>;
}

export interface Deployed {
  readonly appId: string;
  /** Function name to its id. */
  readonly functionIds: ReadonlyMap<string, string>;
  /** 0 when nothing has changed. */
  readonly deployedAt: number;
  readonly warnings: readonly string[];
}

export const webFunction = (changes: Partial<modal.FunctionMessage> = {}): Partial<modal.FunctionMessage> => ({
  imageId: 'im-1',
  webhookConfig: modal.WebhookConfig.create({ type: modal.WebhookType.WEBHOOK_TYPE_ASGI_APP }),
  ...changes,
});

/** Does what the official client does to deploy: find or make the app, define its functions, publish. */
export async function deploy(control: ControlOnNats, { name, functions }: Wanted): Promise<Deployed> {
  const appId = await foundOrMade(control, name);
  const defined = await define(control, appId, functions);
  const { deployedAt } = await publishDefined(control, appId, name, defined);
  return { appId, deployedAt, functionIds: defined.functionIds, warnings: defined.warnings };
}

export interface Defined {
  readonly functionIds: Map<string, string>;
  readonly definitionIds: Map<string, string>;
  readonly warnings: string[];
}

export async function foundOrMade({ client, good }: ControlOnNats, name: string): Promise<string> {
  const known = await client.appGetByDeploymentName(modal.AppGetByDeploymentNameRequest.create({ name }), good);
  if (known.appId) return known.appId;
  const appState = modal.AppState.APP_STATE_INITIALIZING;
  return (await client.appCreate(modal.AppCreateRequest.create({ description: name, appState }), good)).appId;
}

export async function define(
  { client, good }: ControlOnNats,
  appId: string,
  functions: Wanted['functions'],
): Promise<Defined> {
  const { appLayout } = await client.appGetLayout({ appId }, good);
  const defined: Defined = { functionIds: new Map(), definitionIds: new Map(), warnings: [] };
  for (const [functionName, changes] of Object.entries(functions)) {
    const definition = modal.FunctionMessage.create({ functionName, ...webFunction(changes) });
    const existingFunctionId = appLayout?.functionIds.get(functionName) ?? '';
    const { webhookConfig } = definition;
    const { functionId } = await client.functionPrecreate(
      modal.FunctionPrecreateRequest.create({ appId, functionName, existingFunctionId, webhookConfig }),
      good,
    );
    const created = await client.functionCreate(
      modal.FunctionCreateRequest.create({ appId, existingFunctionId: functionId, function: definition }),
      good,
    );
    defined.functionIds.set(functionName, created.functionId);
    defined.definitionIds.set(created.functionId, created.handleMetadata?.definitionId ?? '');
    defined.warnings.push(...created.serverWarnings.map(({ message }) => message));
  }
  return defined;
}

export function publishDefined(
  { client, good }: ControlOnNats,
  appId: string,
  name: string,
  { functionIds, definitionIds }: Pick<Defined, 'functionIds' | 'definitionIds'>,
  appState: modal.AppState = modal.AppState.APP_STATE_DEPLOYED,
): Promise<modal.AppPublishResponse> {
  return client.appPublish(modal.AppPublishRequest.create({ appId, name, appState, functionIds, definitionIds }), good);
}
