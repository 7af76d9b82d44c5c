export * as modal from './gen/modal_proto/api.ts';
export { ModalClientService } from './gen/modal_proto/api.ts';
