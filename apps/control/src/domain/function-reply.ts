import { modal } from '@portico/modal-protocol';

/** What a function's public side consists of. */
export interface FunctionFacts {
  readonly functionId: string;
  readonly appId: string;
  readonly tag: string;
  readonly definitionId: string;
  /** Method name (empty for a web function) to URL. */
  readonly urls: ReadonlyMap<string, string>;
}

type Describable = Pick<
  modal.FunctionMessage,
  | 'functionType'
  | 'webhookConfig'
  | 'methodDefinitions'
  | 'functionSchema'
  | 'supportedInputFormats'
  | 'supportedOutputFormats'
> &
  Partial<Pick<modal.FunctionMessage, 'classParameterInfo' | 'isServer'>>;

/** What a client keeps as handle. `functionName` must never be empty: the client asserts it at publish. */
export function handleOf(facts: FunctionFacts, definition: Describable): modal.FunctionHandleMetadata {
  const methods = [...definition.methodDefinitions].map(([name, method]): [string, modal.FunctionHandleMetadata] => [
    name,
    modal.FunctionHandleMetadata.create({
      functionName: `${facts.tag.replace('.*', '')}.${name}`,
      functionType: method.functionType,
      isMethod: true,
      useMethodName: name,
      webUrl: facts.urls.get(name) ?? '',
      definitionId: facts.definitionId,
      functionSchema: method.functionSchema,
      supportedInputFormats: method.supportedInputFormats,
      supportedOutputFormats: method.supportedOutputFormats,
      appId: facts.appId,
    }),
  ]);
  const url = facts.urls.get('') ?? '';
  return modal.FunctionHandleMetadata.create({
    functionName: facts.tag,
    functionType: definition.functionType,
    webUrl: definition.isServer ? '' : url,
    ExperimentalFlashUrls: definition.isServer && url ? [url] : [],
    definitionId: facts.definitionId,
    methodHandleMetadata: new Map(methods),
    classParameterInfo: definition.classParameterInfo,
    functionSchema: definition.functionSchema,
    supportedInputFormats: definition.supportedInputFormats,
    supportedOutputFormats: definition.supportedOutputFormats,
    appId: facts.appId,
  });
}

/** The definition as the client should see it: with its final URLs. */
export function withUrls(facts: FunctionFacts, definition: modal.FunctionMessage): modal.FunctionMessage {
  const url = facts.urls.get('') ?? '';
  const methods = [...definition.methodDefinitions].map(([name, method]): [string, modal.MethodDefinition] => [
    name,
    { ...method, webUrl: facts.urls.get(name) ?? '' },
  ]);
  return {
    ...definition,
    webUrl: definition.isServer ? '' : url,
    flashServiceUrls: definition.isServer && url ? [url] : [],
    methodDefinitions: new Map(methods),
  };
}

/** FunctionData is demanded by clients from 1.6 on, with at least one ranked function. */
export function functionDataOf(
  definition: modal.FunctionMessage,
  sent: modal.FunctionData | undefined,
): modal.FunctionData {
  const ranked = sent && sent.rankedFunctions.length > 0 ? sent.rankedFunctions : [{ rank: 0, function: definition }];
  const { resources: _resources, ...shared } = definition;
  return modal.FunctionData.create({
    ...(shared as unknown as Partial<modal.FunctionData>),
    rankedFunctions: ranked.map((entry) => modal.FunctionData_RankedFunction.create(entry)),
  });
}

/** The definition that a FunctionCreate carries: given whole, or as the first of a ranked list. */
export function definitionOf({
  function: whole,
  functionData,
}: modal.FunctionCreateRequest): modal.FunctionMessage | undefined {
  if (whole) return whole;
  const first = functionData?.rankedFunctions[0]?.function;
  if (!first || !functionData) return undefined;
  const { rankedFunctions: _ranked, ...shared } = functionData;
  // Fields that all GPU choices share are lifted out of the ranked functions.
  const given = Object.fromEntries(Object.entries(shared).filter(([, value]) => isGiven(value)));
  return modal.FunctionMessage.create({ ...first, ...(given as Partial<modal.FunctionMessage>) });
}

function isGiven(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  return value !== undefined && value !== '' && value !== 0 && value !== false;
}
