import { control } from '@portico/contracts';
import { modal } from '@portico/modal-protocol';

const { PARAM_SERIALIZATION_FORMAT_PROTO: IN_PROTO } = modal.ClassParameterInfo_ParameterSerializationFormat;
const { UNSPECIFIED, STRING, INT, BYTES, BOOL } = control.ParameterType;
const types: ReadonlyMap<modal.ParameterType, control.ParameterType> = new Map([
  [modal.ParameterType.PARAM_TYPE_STRING, STRING],
  [modal.ParameterType.PARAM_TYPE_INT, INT],
  [modal.ParameterType.PARAM_TYPE_BYTES, BYTES],
  [modal.ParameterType.PARAM_TYPE_BOOL, BOOL],
]);

/** The parameters that requests to a class can give: none of one whose constructor takes pickled arguments. */
export function parametersOf({ classParameterInfo }: modal.FunctionMessage): control.RouteParameter[] {
  if (classParameterInfo?.format !== IN_PROTO) return [];
  return classParameterInfo.schema.map((spec) => {
    const { name, hasDefault } = spec;
    const type = types.get(spec.type) ?? types.get(spec.fullType?.baseType ?? 0) ?? UNSPECIFIED;
    const given = hasDefault ? defaultOf(spec) : undefined;
    return control.RouteParameter.create({
      ...{ name, type, hasDefault },
      ...(given && { default: { name, value: given } }),
    });
  });
}

function defaultOf(spec: modal.ClassParameterSpec): control.BoundParameter['value'] {
  const { stringDefault, intDefault, bytesDefault, boolDefault } = spec;
  if (stringDefault !== undefined) return { $case: 'text', value: stringDefault };
  if (intDefault !== undefined) return { $case: 'number', value: intDefault };
  if (bytesDefault !== undefined) return { $case: 'data', value: bytesDefault };
  return boolDefault === undefined ? undefined : { $case: 'flag', value: boolDefault };
}

/** The same values as the client's own program in the container reads them. */
export function parameterSetOf(serializedParams: Uint8Array): Buffer {
  const { parameters } = control.BoundParameters.decode(serializedParams);
  return Buffer.from(modal.ClassParameterSet.encode({ parameters: parameters.map(inProtocol) }).finish());
}

function inProtocol({ name, value }: control.BoundParameter): modal.ClassParameterValue {
  const { PARAM_TYPE_STRING, PARAM_TYPE_INT, PARAM_TYPE_BYTES, PARAM_TYPE_BOOL } = modal.ParameterType;
  switch (value?.$case) {
    case 'text':
      return modal.ClassParameterValue.create({ name, type: PARAM_TYPE_STRING, stringValue: value.value });
    case 'number':
      return modal.ClassParameterValue.create({ name, type: PARAM_TYPE_INT, intValue: value.value });
    case 'data':
      return modal.ClassParameterValue.create({ name, type: PARAM_TYPE_BYTES, bytesValue: value.value });
    case 'flag':
      return modal.ClassParameterValue.create({ name, type: PARAM_TYPE_BOOL, boolValue: value.value });
    default:
      return modal.ClassParameterValue.create({ name });
  }
}
