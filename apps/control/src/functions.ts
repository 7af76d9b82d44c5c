import { control } from '@portico/contracts';
import { DomainError } from '@portico/errors';
import { modal } from '@portico/modal-protocol';
import { environmentOfRecord } from './domain/apps.ts';
import type { FunctionFacts } from './domain/function-reply.ts';
import { hostLabelOf } from './domain/labels.ts';
import type { State } from './state.ts';

/** The web side of a function: method name (empty for a web function) to its configuration. */
type WebMethods = ReadonlyMap<string, Pick<modal.WebhookConfig, 'requestedSuffix' | 'ephemeralSuffix'>>;

export function functionById(state: State, functionId: string): control.FunctionRecord {
  const record = state.functions.get(functionId);
  if (!record) throw new DomainError('not-found', 'function.not_found', `There is no function ${functionId}.`);
  return record;
}

export function definitionById(state: State, definitionId: string): modal.FunctionMessage {
  const record = state.definitions.get(definitionId);
  if (!record) throw new DomainError('not-found', 'function.no_definition', `There is no definition ${definitionId}.`);
  return modal.FunctionMessage.decode(record.function);
}

/** What is known of a function between its precreate and its definition. */
export function precreatedOf(record: control.FunctionRecord): modal.FunctionMessage {
  const sent = modal.FunctionPrecreateRequest.decode(record.precreate);
  return modal.FunctionMessage.create({
    functionName: sent.functionName,
    functionType: sent.functionType,
    webhookConfig: sent.webhookConfig,
    methodDefinitions: sent.methodDefinitions,
    functionSchema: sent.functionSchema,
    supportedInputFormats: sent.supportedInputFormats,
    supportedOutputFormats: sent.supportedOutputFormats,
  });
}

export function factsOf(state: State, record: control.FunctionRecord): FunctionFacts {
  return {
    functionId: record.functionId,
    appId: record.appId,
    tag: record.tag,
    definitionId: record.definitionId,
    urls: new Map([...record.hosts].map(([method, host]) => [method, urlOf(state, host)])),
  };
}

export function urlOf({ config }: State, host: string): string {
  const { httpPort, httpsPort } = config;
  if (httpsPort !== undefined) return httpsPort === 443 ? `https://${host}` : `https://${host}:${httpsPort}`;
  return httpPort === 80 ? `http://${host}` : `http://${host}:${httpPort}`;
}

/** The host names of a function, claimed for it; a newer ephemeral app takes them from an older one. */
export async function claimHosts(
  state: State,
  app: control.App,
  record: control.FunctionRecord,
  definition: Pick<modal.FunctionMessage, 'webhookConfig' | 'methodDefinitions'> &
    Partial<Pick<modal.FunctionMessage, 'isServer'>>,
): Promise<{ hosts: Map<string, string>; stolen: Set<string>; truncated: Set<string> }> {
  const hosts = new Map<string, string>();
  const stolen = new Set<string>();
  const truncated = new Set<string>();
  for (const [method, config] of webMethodsOf(definition)) {
    const { label, isTruncated } = hostLabelOf({
      workspace: state.config.workspace,
      webSuffix: environmentOfRecord(state, app).webSuffix,
      appName: app.name,
      functionName: method ? `${record.tag.replace('.*', '')}.${method}` : record.tag.replace('.*', ''),
      customLabel: config.requestedSuffix,
      ephemeralSuffix:
        app.phase === control.AppPhase.EPHEMERAL || app.phase === control.AppPhase.DETACHED
          ? config.ephemeralSuffix
          : undefined,
    });
    const host = `${label}.${state.config.baseDomain}`;
    if (await claim(state, app, record.functionId, method, host)) stolen.add(method);
    if (isTruncated) truncated.add(method);
    hosts.set(method, host);
  }
  return { hosts, stolen, truncated };
}

function webMethodsOf(definition: Parameters<typeof claimHosts>[3]): WebMethods {
  const methods = new Map<string, Pick<modal.WebhookConfig, 'requestedSuffix' | 'ephemeralSuffix'>>();
  if (definition.isServer) methods.set('', { requestedSuffix: '', ephemeralSuffix: '' });
  if (definition.webhookConfig) methods.set('', definition.webhookConfig);
  for (const [name, method] of definition.methodDefinitions)
    if (method.webhookConfig) methods.set(name, method.webhookConfig);
  return methods;
}

export const labelKeyOf = (host: string): string => host.replaceAll('.', '/');

/** Tells whether the host was taken from another app; refuses to take one from a deployed app. */
async function claim(
  state: State,
  app: control.App,
  functionId: string,
  methodName: string,
  host: string,
): Promise<boolean> {
  let isStolen = false;
  await state.labels.modify(labelKeyOf(host), (held) => {
    isStolen = false;
    if (held && held.functionId === functionId && held.methodName === methodName) return undefined;
    const holder = held && state.apps.get(held.appId);
    // Within an app a label may go from one function to another; that two want it is seen at publish.
    const isHeld =
      holder !== undefined &&
      holder.appId !== app.appId &&
      holder.phase !== control.AppPhase.STOPPED &&
      holder.functionIds.size > 0;
    if (isHeld && !held?.ephemeral) {
      throw new DomainError(
        'failed-precondition',
        'label.taken',
        `The URL ${host} belongs to the deployed app "${holder.name}": choose another label, or stop that app.`,
      );
    }
    isStolen = isHeld;
    return {
      host,
      appId: app.appId,
      functionId,
      methodName,
      claimedAt: state.now(),
      ephemeral: app.phase !== control.AppPhase.DEPLOYED && app.phase !== control.AppPhase.INITIALIZING,
    };
  });
  return isStolen;
}
